import type { Notebook, NotebookPanel } from '@jupyterlab/notebook';
import { UUID } from '@lumino/coreutils';

export type Where = 'above' | 'below' | 'replace' | 'selection';

/** What was done, in words, and how to take it back. */
export interface IEdit {
  words: string;
  undo: () => void;
}

/**
 * Put source into the notebook beside or in a cell, as one undoable step. Nothing is run.
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
  if (!notebook || !shared || notebook.model?.readOnly) {
    return null;
  }
  const at = shared.cells.findIndex(cell => cell.getId() === cellId);
  if (at < 0 && (where === 'replace' || where === 'selection' || cellId !== null)) {
    return null;
  }
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
      shared.getCell(at).setSource(source);
      return;
    }
    if (where === 'replace') {
      shared.deleteCell(at);
    }
    shared.insertCell(target, {
      cell_type: type,
      id: UUID.uuid4(),
      source,
      metadata: {}
    });
  });
  notebook.activeCellIndex = target;
  void notebook.scrollToItem(target, 'smart');
  return {
    words: where === 'replace' ? `Replaced cell ${target + 1}.` : `Added cell ${target + 1}.`,
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
  if (!cell?.editor) {
    return null;
  }
  cell.editor.replaceSelection?.(source);
  notebook.activeCellIndex = at;
  return {
    words: `Replaced the selection in cell ${at + 1}.`,
    undo: () => cell.editor?.undo()
  };
}
