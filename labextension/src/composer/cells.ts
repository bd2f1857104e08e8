import type { ICodeCellModel } from '@jupyterlab/cells';
import type { NotebookPanel } from '@jupyterlab/notebook';

import { ERROR_LIMIT, withoutAnsi } from '../notebook/text';
import { around, ISelection } from './around';
import { IChip, textChip } from './chip';

/** A cell as it can be named. */
export interface ICellName {
  number: number;
  first: string;
  active: boolean;
}

/** The cells that hold anything, the active one first. */
export function cellNames(panel: NotebookPanel | null): ICellName[] {
  const cells = panel?.content.model?.cells;
  const found: ICellName[] = [];
  for (let at = 0; at < (cells?.length ?? 0); at++) {
    const first = cells!.get(at).sharedModel.getSource().trim().split('\n')[0];
    if (first) {
      found.push({ number: at + 1, first, active: at === panel!.content.activeCellIndex });
    }
  }
  return found.sort((a, b) => Number(b.active) - Number(a.active));
}

/** A cell by its number; null where there is none, or it is empty. */
export function cellChip(panel: NotebookPanel | null, number: number): IChip | null {
  const cells = panel?.content.model?.cells;
  const source =
    cells && number > 0 && number <= cells.length
      ? cells.get(number - 1).sharedModel.getSource()
      : '';
  return source.trim() ? textChip('cell', `cell ${number}`, source) : null;
}

/** The error of the failed cell that ran last, with its cell; null where no cell shows one. */
export function errorChips(
  panel: NotebookPanel | null
): { error: IChip; cell: IChip | null } | null {
  const cells = panel?.content.model?.cells;
  let last: { at: number; count: number; output: Record<string, unknown> } | null = null;
  for (let at = 0; at < (cells?.length ?? 0); at++) {
    const cell = cells!.get(at);
    const output = cell.type === 'code' ? errorIn(cell as ICodeCellModel) : null;
    const count = output ? ((cell as ICodeCellModel).executionCount ?? 0) : 0;
    if (output && (!last || count >= last.count)) {
      last = { at, count, output };
    }
  }
  if (!last) {
    return null;
  }
  const { at, output } = last;
  const traceback = (output.traceback as string[] | undefined)?.join('\n');
  const text = withoutAnsi(traceback || `${output.ename}: ${output.evalue}`);
  return {
    error: textChip('error', `${output.ename} in cell ${at + 1}`, text, ERROR_LIMIT),
    cell: cellChip(panel, at + 1)
  };
}

/** What is selected: in the file editor that is in front, else in the active cell. */
export function selection(panel: NotebookPanel | null): ISelection | null {
  const inFile = around.fileSelection();
  if (inFile) {
    return inFile;
  }
  const editor = panel?.content.activeCell?.editor;
  if (!panel || !editor) {
    return null;
  }
  const { start, end } = editor.getSelection();
  const [a, b] = [editor.getOffsetAt(start), editor.getOffsetAt(end)];
  const text = editor.model.sharedModel.getSource().slice(Math.min(a, b), Math.max(a, b));
  return text.trim() ? { where: `cell ${panel.content.activeCellIndex + 1}`, text } : null;
}

export function selectionChip(found: ISelection): IChip {
  return textChip('selection', `selection in ${found.where}`, found.text);
}

function errorIn(cell: ICodeCellModel): Record<string, unknown> | null {
  for (let i = cell.outputs.length - 1; i >= 0; i--) {
    const output = cell.outputs.get(i).toJSON();
    if (output.output_type === 'error') {
      return output;
    }
  }
  return null;
}
