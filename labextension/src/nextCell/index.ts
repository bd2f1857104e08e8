import { Notification } from '@jupyterlab/apputils';
import type { Cell } from '@jupyterlab/cells';
import type { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { PanelLayout } from '@lumino/widgets';

import { putSource } from '../notebook/edit';
import { isWritable } from '../notebook/writable';
import { asTurnError } from '../server/problems';
import type { TetherServer } from '../server/request';
import { codeOf } from './code';
import { Choice, IKeys, Preview } from './preview';
import { isLast, question } from './question';

/** On the notebook's node while a cell is proposed in it, for its shortcuts. */
const SHOWN = 'tether-mod-nextCell';

export interface INextCellOptions {
  server: TetherServer;
  languages: IEditorLanguageRegistry | null;
  keys: () => IKeys;
  /** Turn proposals on or off for good. */
  set: (enabled: boolean) => Promise<void>;
}

/** Proposes what may follow the last cell when it has run. There is one proposal at a time. */
export class NextCell {
  constructor(private _options: INextCellOptions) {}

  get shown(): boolean {
    return this._proposal?.preview.offered ?? false;
  }

  /** A cell ran without an error. */
  async ran(panel: NotebookPanel, cell: Cell): Promise<void> {
    this.leave();
    const cells = panel.content.model?.cells;
    const at = panel.content.widgets.indexOf(cell);
    // Without a kernel, Lab calls a cell run that was not.
    const here = cells && at >= 0 && panel.sessionContext.session?.kernel;
    if (!here || cell.model.type !== 'code' || !isWritable(panel)) {
      return;
    }
    const sources = [...cells].map(each => each.sharedModel.getSource());
    if (isLast(sources, at)) {
      const proposal = new Proposal(panel, cell, new Preview(this._options.keys()));
      this._proposal = proposal;
      proposal.left = () => this._proposal === proposal && this.leave();
      proposal.preview.chosen.connect((_, choice) => void this.choose(choice));
      await this._write(proposal, sources, at);
    }
  }

  async choose(choice: Choice): Promise<void> {
    const proposal = this._proposal;
    if (!proposal || (choice === 'accept' && !proposal.preview.offered)) {
      return;
    }
    const inside = proposal.preview.node.contains(document.activeElement);
    this.leave();
    if (choice === 'accept') {
      proposal.accept();
    } else if (choice === 'never') {
      await this._options.set(false);
      Notification.emit('No further cells are proposed.', 'info', {
        autoClose: 8000,
        actions: [{ label: 'Undo', callback: () => void this._options.set(true) }]
      });
    }
    if (inside) {
      // What had the focus is gone with the proposal.
      proposal.panel.content.activate();
    }
  }

  /** Take the proposal away, and end what is being written. */
  leave(): void {
    this._proposal?.dispose();
    this._proposal = null;
  }

  private async _write(proposal: Proposal, sources: readonly string[], at: number): Promise<void> {
    const { preview, signal } = proposal;
    const { server } = this._options;
    preview.say('Writing a next cell…');
    let answer = '';
    let model = '';
    let whole = true;
    let frame = 0;
    try {
      for await (const event of server.stream(question(proposal.panel, sources, at), signal)) {
        if (signal.aborted) {
          return;
        }
        if ('meta' in event) {
          model = event.meta.model;
        } else if ('delta' in event) {
          answer += event.delta;
          frame ||= requestAnimationFrame(() => {
            frame = 0;
            preview.write(codeOf(answer, false));
          });
        } else if ('queued' in event) {
          preview.say(`Waiting to write a next cell, place ${event.queued.position}`);
        } else if ('error' in event) {
          preview.say(`No next cell. ${event.error.message}`);
          return;
        } else if ('done' in event) {
          whole = event.finish_reason === 'stop';
        }
      }
    } catch (reason) {
      if (!signal.aborted) {
        preview.say(`No next cell. ${asTurnError(reason).problem.message}`);
      }
      return;
    } finally {
      cancelAnimationFrame(frame);
    }
    const code = codeOf(answer, true, whole);
    if (!code) {
      if (this._proposal === proposal) {
        this.leave();
      }
      return;
    }
    preview.write(code);
    preview.offer();
    preview.say(`A next cell, by ${model}`);
    const { languages } = this._options;
    const language = languages?.findByMIME(proposal.panel.content.codeMimetype) ?? null;
    if (languages && language) {
      const coloured = document.createElement('code');
      // Without its colours it still is the code.
      await languages
        .highlight(code, language, coloured)
        .then(() => preview.codeNode.replaceChildren(...coloured.childNodes))
        .catch(reason => console.error('Tether:', reason));
    }
  }

  private _proposal: Proposal | null = null;
}

/** A proposal at its place. It leaves when somebody types, or goes on to another cell. */
class Proposal {
  constructor(
    readonly panel: NotebookPanel,
    private _cell: Cell,
    readonly preview: Preview
  ) {
    const notebook = panel.content;
    (_cell.layout as PanelLayout).addWidget(preview);
    notebook.addClass(SHOWN);
    this._from = notebook.activeCell;
    notebook.activeCellChanged.connect(this._onMoved, this);
    notebook.model?.cells.changed.connect(this._onLeft, this);
    for (const each of new Set([_cell, this._from])) {
      each?.model.sharedModel.changed.connect(this._onChanged, this);
    }
    _cell.disposed.connect(this._onLeft, this);
    panel.sessionContext.statusChanged.connect(this._onStatus, this);
    panel.sessionContext.kernelChanged.connect(this._onLeft, this);
  }

  left: () => void = () => undefined;

  get signal(): AbortSignal {
    return this._controller.signal;
  }

  /** Put it into the empty cell below, or into a new one. */
  accept(): void {
    const notebook = this.panel.content;
    const at = notebook.widgets.indexOf(this._cell);
    const below = notebook.widgets[at + 1]?.model;
    const open = below?.type === 'code' && below.getMetadata('editable') !== false;
    const empty = open && !below.sharedModel.getSource().trim();
    const code = this._code;
    if (empty) {
      putSource(this.panel, 'replace', below.id, code);
    } else {
      putSource(this.panel, 'below', this._cell.model.id, code);
    }
  }

  dispose(): void {
    if (this.signal.aborted) {
      return;
    }
    this._controller.abort();
    this._code = this.preview.code;
    const notebook = this.panel.content;
    if (!notebook.isDisposed) {
      notebook.removeClass(SHOWN);
      notebook.activeCellChanged.disconnect(this._onMoved, this);
      notebook.model?.cells.changed.disconnect(this._onLeft, this);
    }
    for (const each of new Set([this._cell, this._from])) {
      each?.model?.sharedModel?.changed.disconnect(this._onChanged, this);
    }
    this._cell.disposed.disconnect(this._onLeft, this);
    this.panel.sessionContext.statusChanged.disconnect(this._onStatus, this);
    this.panel.sessionContext.kernelChanged.disconnect(this._onLeft, this);
    this.preview.dispose();
  }

  private _onMoved(_: unknown, to: Cell | null): void {
    if (to !== this._cell && to !== this._from) {
      this.left();
    }
  }

  private _onChanged(_: unknown, change: { sourceChange?: unknown }): void {
    if (change.sourceChange) {
      this.left();
    }
  }

  private _onStatus(_: unknown, status: string): void {
    // What it goes on from is gone with the kernel's memory.
    if (['restarting', 'autorestarting', 'terminating', 'dead'].includes(status)) {
      this.left();
    }
  }

  private _onLeft(): void {
    this.left();
  }

  private _controller = new AbortController();
  private _from: Cell | null;
  private _code = '';
}
