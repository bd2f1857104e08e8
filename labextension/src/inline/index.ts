import { Notification } from '@jupyterlab/apputils';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { CommandRegistry } from '@lumino/commands';

import { previewOf } from '../server/preview';
import type { TetherServer } from '../server/request';
import { InlineEdit } from './edit';
import type { IEditHost } from './host';
import { IKept, keptWords, putKept } from './kept';
import { editable } from './subject';
import type { IKeys } from './words';

/** The changes that are open, at most one a cell. */
export class InlineEdits {
  constructor(
    server: TetherServer,
    private _commands: CommandRegistry,
    ids: IKeys
  ) {
    this._host = {
      server,
      preview: (question, signal) => previewOf(server, question, signal, true),
      keys: () => ({ accept: this._key(ids.accept), cancel: this._key(ids.cancel) }),
      say: words => (this._spoken.textContent = words),
      keydown: event => _commands.processKeydownEvent(event)
    };
    this._spoken.className = 'tether-spoken tether-Inline-spoken';
    this._spoken.setAttribute('role', 'status');
    this._spoken.setAttribute('aria-live', 'polite');
    document.body.append(this._spoken);
  }

  /** Open the field in the active cell of a notebook, or go back to it. */
  open(panel: NotebookPanel): void {
    const cell = panel.content.activeCell;
    if (!cell || !editable(panel, cell)) {
      return;
    }
    const there = this._at(panel);
    if (there) {
      there.focus();
      return;
    }
    panel.content.mode = 'edit';
    const edit = new InlineEdit(panel, cell, this._host);
    this._edits.add(edit);
    edit.prefill(this._words.get(edit.cellId) ?? '');
    edit.closed.connect((_, { kept, words }) => {
      this._edits.delete(edit);
      this._words.set(edit.cellId, words);
      if (kept) {
        keep(panel, kept);
      }
    });
    // The editor takes the focus when the notebook enters edit mode.
    requestAnimationFrame(() => edit.focus());
  }

  /** The change that keys in this notebook mean: the one whose field has the cursor, or the active cell's. */
  find(panel: NotebookPanel | null): InlineEdit | null {
    return [...this._edits].find(each => each.focused) ?? (panel ? this._at(panel) : null);
  }

  /** Give every cell back. */
  closeAll(): void {
    this._edits.forEach(each => each.close());
  }

  private _at(panel: NotebookPanel): InlineEdit | null {
    const id = panel.content.activeCell?.model.id;
    return [...this._edits].find(each => each.panel === panel && each.cellId === id) ?? null;
  }

  private _key(command: string): string {
    const bound = this._commands.keyBindings.filter(each => each.command === command);
    return bound.length ? CommandRegistry.formatKeystroke(bound[bound.length - 1].keys) : '';
  }

  private _host: IEditHost;
  private _edits = new Set<InlineEdit>();
  /** What was typed last in each cell, so that closing loses no words. */
  private _words = new Map<string, string>();
  private _spoken = document.createElement('div');
}

/** The cell was deleted, or is another one now, while a proposal for it was there. */
function keep(panel: NotebookPanel, kept: IKept): void {
  Notification.emit(keptWords(kept), 'info', {
    autoClose: false,
    actions: [
      { label: 'Add as a cell', callback: () => void putKept(panel, kept) },
      { label: 'Copy', callback: () => void navigator.clipboard?.writeText(kept.source) }
    ]
  });
}
