import type { EditorView } from '@codemirror/view';
import type { Cell } from '@jupyterlab/cells';
import type { CodeMirrorEditor } from '@jupyterlab/codemirror';
import type { NotebookPanel } from '@jupyterlab/notebook';

import { languageOf } from '../notebook/language';
import { isWritable } from '../notebook/writable';
import type { IQuestion } from '../server/request';
import { neighboursOf } from './along';
import { CellKind, questionFor } from './question';
import type { IChange, IRegion } from './region';

/** The cell that is to change, known by its id: a cell that is moved is taken out and put in again. */
export class Subject {
  constructor(
    readonly panel: NotebookPanel,
    cell: Cell
  ) {
    this.id = cell.model.id;
    this.kind = cell.model.type as CellKind;
  }

  readonly id: string;
  readonly kind: CellKind;

  /** Null once it is deleted. */
  get cell(): Cell | null {
    return this.panel.isDisposed
      ? null
      : (this.panel.content.widgets.find(each => each.model.id === this.id) ?? null);
  }

  /** Its number, counted from 1. */
  get number(): number {
    return this.panel.content.widgets.findIndex(each => each.model.id === this.id) + 1;
  }

  get source(): string {
    return this.cell?.model.sharedModel.getSource() ?? '';
  }

  /** Whether it is the active one of a notebook in edit mode, whose editor gets the focus. */
  get isEdited(): boolean {
    const { activeCell, mode } = this.panel.content;
    return mode === 'edit' && activeCell?.model.id === this.id;
  }

  /** A notebook in edit mode gives the focus to the editor of the cell that gets it. */
  onFocus(event: FocusEvent): void {
    if (this.isEdited) {
      event.stopPropagation();
      return;
    }
    const target = event.target as HTMLElement;
    setTimeout(() => {
      if (document.activeElement !== target) {
        target.focus({ preventScroll: true });
      }
    });
  }

  /** The numbers of the cells that go along with a question. */
  get sent(): number[] {
    const { number, source } = this;
    const cells = [...neighboursOf(this.panel, number), { number, source }];
    return cells.filter(each => each.source.trim()).map(each => each.number);
  }

  /**
   * A question for its new source.
   *
   * @param before - What was asked before, answered by `proposal`.
   * @param selection - Where the selected part is; null where all of it may change.
   */
  question(
    words: string,
    before: string[],
    proposal: string | null,
    selection: IRegion | null
  ): IQuestion {
    const { kind, number, source } = this;
    return questionFor({
      words,
      before,
      proposal,
      kind,
      number,
      source,
      selection: selection && source.slice(selection.from, selection.to),
      neighbours: neighboursOf(this.panel, number),
      notebook: this.panel.context.path,
      language: languageOf(this.panel)
    });
  }

  /** Change it in one step that one undo takes back; `source` is what its editor shows. */
  write(made: IChange, source: string): void {
    const model = this.cell?.model.sharedModel;
    if (!model) {
      return;
    }
    const { undoManager } = model as unknown as { undoManager?: { stopCapturing(): void } };
    // Yjs joins edits that follow each other closely; this is a step of its own.
    undoManager?.stopCapturing();
    if (model.getSource() === source) {
      model.updateSource(made.from, made.to, made.text);
    } else {
      // An editor knows one kind of line break; a file may hold others.
      model.setSource(source.slice(0, made.from) + made.text + source.slice(made.to));
    }
    undoManager?.stopCapturing();
  }
}

/** Whether a cell can be written to. */
export function editable(panel: NotebookPanel, cell: Cell): boolean {
  return isWritable(panel) && !cell.readOnly;
}

/** A cell's source as its editor shows it, which knows one kind of line break. */
export function sourceOf(cell: Cell): string {
  return (
    viewOf(cell)?.state.doc.toString() ?? cell.model.sharedModel.getSource().replace(/\r\n?/g, '\n')
  );
}

/** The view of a cell's editor; null while it has none. */
export function viewOf(cell: Cell): EditorView | null {
  return (cell.editor as CodeMirrorEditor | null)?.editor ?? null;
}
