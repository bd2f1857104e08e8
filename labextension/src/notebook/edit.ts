import type { Notebook, NotebookPanel } from '@jupyterlab/notebook';
import { UUID } from '@lumino/coreutils';

import { IRestored, lost, restored } from './masked';
import { inBoth, stepIn } from './step';
import { isWritable } from './writable';

const PUT_BACK = ', with what was masked in it put back';

export type Where = 'above' | 'below' | 'replace' | 'selection';

/**
 * What was done, in words, and how to take it back; null where nothing was done. What could not be taken back is told
 * in words again.
 */
export interface IEdit {
  words: string;
  undo: (() => string | null) | null;
}

/**
 * Put source into the notebook beside or in a cell, as one undoable step. Nothing is run.
 *
 * What takes the place of something gets the secrets back that a model saw as masks; where that is unclear, nothing
 * is replaced.
 *
 * Without a cell, `above` is the notebook's start and `below` its end. Returns null where there is nothing that can
 * be written to: no notebook, a read-only one, or the cell is gone.
 */
export function putSource(
  panel: NotebookPanel | null,
  where: Where,
  cellId: string | null,
  source: string,
  type: 'code' | 'markdown' | 'raw' = 'code'
): IEdit | null {
  const notebook = panel?.content;
  const shared = notebook?.model?.sharedModel;
  if (!notebook || !shared || !isWritable(panel)) {
    return null;
  }
  const at = shared.cells.findIndex(cell => cell.getId() === cellId);
  if (at < 0 && (where === 'replace' || where === 'selection' || cellId !== null)) {
    return null;
  }
  if (where === 'replace' || where === 'selection') {
    const cell = shared.getCell(at);
    const other = where === 'replace' && cell.cell_type !== type;
    if (
      cell.getMetadata('editable') === false ||
      (other && cell.getMetadata('deletable') === false)
    ) {
      return { words: `Nothing was replaced: cell ${at + 1} is locked.`, undo: null };
    }
  }
  const made = where === 'replace' ? restored(source, shared.getCell(at).getSource()) : null;
  if (made?.loses) {
    return refused(made);
  }
  const text = made?.text ?? source;
  if (where === 'selection') {
    return putSelection(notebook, at, source);
  }
  const target =
    where === 'replace'
      ? at
      : where === 'above'
        ? Math.max(at, 0)
        : at < 0
          ? shared.cells.length
          : at + 1;
  const replaced = where === 'replace' ? shared.getCell(at) : null;
  const stays = replaced?.cell_type === type;
  const id = stays ? replaced.getId() : UUID.uuid4();
  const before = stays ? replaced.getSource() : (replaced?.toJSON() ?? null);
  const undo = stays
    ? // A step of the cell's own too: undo in the cell would take one of the notebook's alone apart.
      stepIn(shared, replaced, { id, before }, () =>
        inBoth(shared, replaced, () => replaced.setSource(text))
      )
    : stepIn(shared, shared, { id, before }, () =>
        shared.transact(() => {
          if (replaced) {
            shared.deleteCell(at);
          }
          shared.insertCell(target, { cell_type: type, id, source: text, metadata: {} });
        })
      );
  notebook.activeCellIndex = target;
  void notebook.scrollToItem(target, 'smart');
  return {
    words:
      where === 'replace'
        ? `Replaced cell ${target + 1}${text === source ? '' : PUT_BACK}.`
        : `Added cell ${target + 1}.`,
    undo
  };
}

/** Whether there is a selection in the active cell's source. */
export function hasSelection(panel: NotebookPanel | null): boolean {
  const selection = panel?.content.activeCell?.editor?.getSelection();
  return Boolean(
    selection &&
    (selection.start.line !== selection.end.line || selection.start.column !== selection.end.column)
  );
}

function putSelection(notebook: Notebook, at: number, source: string): IEdit | null {
  const cell = notebook.widgets[at];
  const editor = cell?.editor;
  const shared = notebook.model?.sharedModel;
  if (!editor || !shared) {
    return null;
  }
  const { start, end } = editor.getSelection();
  const text = cell.model.sharedModel;
  const whole = text.getSource();
  const old = whole.slice(editor.getOffsetAt(start), editor.getOffsetAt(end));
  const made = restored(source, old, true, whole);
  if (made.loses) {
    return refused(made);
  }
  const undo = stepIn(shared, text, { id: text.getId(), before: whole }, () =>
    editor.replaceSelection?.(made.text)
  );
  notebook.activeCellIndex = at;
  return {
    words: `Replaced the selection in cell ${at + 1}${made.text === source ? '' : PUT_BACK}.`,
    undo
  };
}

function refused(made: IRestored): IEdit {
  return {
    words: `Nothing was replaced. ${lost(made)} Insert the code beside the cell.`,
    undo: null
  };
}
