import type { Notebook, NotebookPanel } from '@jupyterlab/notebook';
import { UUID } from '@lumino/coreutils';

import { IRestored, lost, restored } from './masked';
import { isWritable } from './writable';

const PUT_BACK = ', with what was masked in it put back';

export type Where = 'above' | 'below' | 'replace' | 'selection';

/** What was done, in words, and how to take it back; null where nothing was done. */
export interface IEdit {
  words: string;
  undo: (() => void) | null;
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
  type: 'code' | 'markdown' = 'code'
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
  // Yjs joins edits that follow each other closely; a click is a step of its own.
  (shared as unknown as { undoManager?: { stopCapturing(): void } }).undoManager?.stopCapturing();
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
  shared.transact(() => {
    if (where === 'replace' && shared.getCell(at).cell_type === type) {
      shared.getCell(at).setSource(text);
      return;
    }
    if (where === 'replace') {
      shared.deleteCell(at);
    }
    shared.insertCell(target, {
      cell_type: type,
      id: UUID.uuid4(),
      source: text,
      metadata: {}
    });
  });
  notebook.activeCellIndex = target;
  void notebook.scrollToItem(target, 'smart');
  return {
    words:
      where === 'replace'
        ? `Replaced cell ${target + 1}${text === source ? '' : PUT_BACK}.`
        : `Added cell ${target + 1}.`,
    undo: () => shared.undo()
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
  if (!editor) {
    return null;
  }
  const { start, end } = editor.getSelection();
  const whole = cell.model.sharedModel.getSource();
  const old = whole.slice(editor.getOffsetAt(start), editor.getOffsetAt(end));
  const made = restored(source, old, true, whole);
  if (made.loses) {
    return refused(made);
  }
  editor.replaceSelection?.(made.text);
  notebook.activeCellIndex = at;
  return {
    words: `Replaced the selection in cell ${at + 1}${made.text === source ? '' : PUT_BACK}.`,
    undo: () => editor.undo()
  };
}

function refused(made: IRestored): IEdit {
  return {
    words: `Nothing was replaced. ${lost(made)} Insert the code beside the cell.`,
    undo: null
  };
}
