import { Cell } from '@jupyterlab/cells';
import { INotebookTracker, Notebook, NotebookActions, NotebookPanel } from '@jupyterlab/notebook';
import { ISignal, Signal } from '@lumino/signaling';

import { asksTether } from './text';

/** A cell by its id, and its number as people count: from 1. */
export interface ICellPlace {
  id: string;
  number: number;
}

/** Which notebook is in front, and what happens in it that the sidebar must know. */
export class OpenNotebook {
  constructor(private _tracker: INotebookTracker | null) {
    _tracker?.currentChanged.connect(this._follow, this);
    _tracker?.activeCellChanged.connect(() => this._activeCellChanged.emit());
    if (_tracker) {
      NotebookActions.executed.connect(this._onExecuted, this);
    }
    this._follow();
  }

  get panel(): NotebookPanel | null {
    return this._tracker?.currentWidget ?? null;
  }

  /** The path of the notebook in front, from the contents root, or null. */
  get path(): string | null {
    return this.panel?.context.path ?? null;
  }

  /** The active cell, or null. */
  get cell(): ICellPlace | null {
    const notebook = this.panel?.content;
    return notebook?.activeCell
      ? { id: notebook.activeCell.model.id, number: notebook.activeCellIndex + 1 }
      : null;
  }

  /** Another notebook came to the front. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The notebook in front got another name. */
  get renamed(): ISignal<this, { from: string; to: string }> {
    return this._renamed;
  }

  /** A cell ran; `asked` says whether it asked Tether something. */
  get ran(): ISignal<this, { path: string; asked: boolean }> {
    return this._ran;
  }

  get activeCellChanged(): ISignal<this, void> {
    return this._activeCellChanged;
  }

  private _follow(): void {
    const panel = this.panel;
    if (panel && !this._followed.has(panel)) {
      this._followed.add(panel);
      let from = panel.context.path;
      panel.context.pathChanged.connect((_, to) => {
        this._renamed.emit({ from, to });
        from = to;
      });
      // Outputs of a notebook being opened are not there yet when it comes to the front.
      void panel.context.ready.then(() => this._activeCellChanged.emit());
    }
    this._changed.emit();
  }

  private _onExecuted(_: unknown, args: { notebook: Notebook; cell: Cell }): void {
    const panel = this._tracker?.find(each => each.content === args.notebook);
    if (panel) {
      const asked = asksTether(args.cell.model.sharedModel.getSource());
      this._ran.emit({ path: panel.context.path, asked });
    }
  }

  private _followed = new WeakSet<NotebookPanel>();
  private _changed = new Signal<this, void>(this);
  private _renamed = new Signal<this, { from: string; to: string }>(this);
  private _ran = new Signal<this, { path: string; asked: boolean }>(this);
  private _activeCellChanged = new Signal<this, void>(this);
}
