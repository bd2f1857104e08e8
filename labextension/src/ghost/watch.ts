import type { CodeEditor } from '@jupyterlab/codeeditor';

import type { IPlace } from './place';

/** Tells where the cursor of one editor is whenever its text or cursor has changed; null when it was left. */
export class Watch {
  constructor(
    private _begun: IPlace,
    private _moved: (now: IPlace | null) => void
  ) {
    const { model, host } = _begun.editor;
    model.sharedModel.changed.connect(this._onChange, this);
    model.selections.changed.connect(this._onChange, this);
    host.addEventListener('focusout', this._onLeave);
    _begun.widget.disposed.connect(this._onGone, this);
  }

  get editor(): CodeEditor.IEditor {
    return this._begun.editor;
  }

  /** The place as it is now, or null where nothing can be put. */
  place(): IPlace | null {
    const { editor, view } = this._begun;
    const { main, ranges } = view.state.selection;
    if (editor.isDisposed || ranges.length > 1 || !main.empty) {
      return null;
    }
    const text = view.state.doc.toString();
    return { ...this._begun, prefix: text.slice(0, main.head), suffix: text.slice(main.head) };
  }

  dispose(): void {
    this._disposed = true;
    const { model, host } = this._begun.editor;
    model?.sharedModel.changed.disconnect(this._onChange, this);
    model?.selections.changed.disconnect(this._onChange, this);
    host.removeEventListener('focusout', this._onLeave);
    this._begun.widget.disposed.disconnect(this._onGone, this);
  }

  private _onGone(): void {
    this._moved(null);
  }

  private _onChange(): void {
    // In the middle of a change, the text and the cursor do not agree yet.
    queueMicrotask(() => this._disposed || this._moved(this.place()));
  }

  private _onLeave = (event: FocusEvent) => {
    const to = event.relatedTarget as Element | null;
    if (!to?.closest?.('.jp-InlineCompleter')) {
      this._moved(null);
    }
  };

  private _disposed = false;
}
