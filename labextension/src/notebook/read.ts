import { ICodeCellModel } from '@jupyterlab/cells';
import { NotebookPanel } from '@jupyterlab/notebook';

import { IContext } from '../server/request';
import { asksTether, ERROR_LIMIT, mentions, trimmed, withoutAnsi } from './text';

/** Something that can be asked of a notebook, with what goes along. */
export interface ISuggestion {
  label: string;
  question: string;
  context: IContext[];
}

const ANYWHERE: ISuggestion[] = [
  ['Read a CSV file', 'How do I read a CSV file into a DataFrame?'],
  ['Draw a histogram', 'How do I draw a histogram of a column?'],
  ['What Tether can do', 'What can Tether do in a notebook?']
].map(([label, question]) => ({ label, question, context: [] }));

/** What is worth asking here: the last error, the last cell that ran, the next step; and what can be asked anywhere. */
export function suggestions(panel: NotebookPanel | null): ISuggestion[] {
  const cells = panel?.content.model?.cells;
  if (!panel || !cells) {
    return ANYWHERE;
  }
  const found: ISuggestion[] = [];
  const failed = lastError(panel);
  if (failed !== null) {
    const name = errorName(panel, failed);
    found.push({
      label: `Fix the ${name} in cell ${failed + 1}`,
      question: `Why does cell ${failed + 1} fail with ${name}, and how do I fix it?`,
      context: [...errorContext(panel, failed), ...cellContext(panel, failed)]
    });
  }
  const ran = lastRun(panel, failed);
  if (ran !== null) {
    found.push({
      label: `Explain cell ${ran + 1}`,
      question: `What does cell ${ran + 1} do?`,
      context: cellContext(panel, ran)
    });
    found.push({
      label: 'Suggest the next step',
      question: 'What could be the next step in this notebook?',
      context: cellContext(panel, ran)
    });
  }
  return [...found, ...ANYWHERE];
}

/** What goes with typed words: only what they name outright, so that nothing is sent unasked. */
export function contextOf(words: string, panel: NotebookPanel | null): IContext[] {
  if (!panel?.content.model) {
    return [];
  }
  const said = mentions(words);
  const index = said.cell ? said.cell - 1 : said.thisCell ? panel.content.activeCellIndex : null;
  const failed = said.lastError ? (index ?? lastError(panel)) : null;
  const context = failed === null ? [] : errorContext(panel, failed);
  return [...context, ...(index === null ? [] : cellContext(panel, index))];
}

/** The notebook in front, as far as a conversation may speak of it: null while that is about another one. */
export function panelFor(
  conversation: { notebook: string | null },
  open: { panel: NotebookPanel | null; path: string | null }
): NotebookPanel | null {
  const { notebook } = conversation;
  return notebook === null || notebook === open.path ? open.panel : null;
}

/** What the sidebar invites to: there may be no notebook. */
export function invitation(
  conversation: { notebook: string | null },
  open: { path: string | null }
): string {
  return (conversation.notebook ?? open.path) === null
    ? 'Ask a question'
    : 'Ask about this notebook';
}

function codeCell(panel: NotebookPanel, index: number): ICodeCellModel | null {
  const cells = panel.content.model?.cells;
  const cell = cells && index >= 0 && index < cells.length ? cells.get(index) : null;
  return cell?.type === 'code' ? (cell as ICodeCellModel) : null;
}

function errorOf(panel: NotebookPanel, index: number): Record<string, unknown> | null {
  const outputs = codeCell(panel, index)?.outputs;
  for (let i = (outputs?.length ?? 0) - 1; i >= 0; i--) {
    const output = outputs!.get(i).toJSON();
    if (output.output_type === 'error') {
      return output;
    }
  }
  return null;
}

function indices(panel: NotebookPanel): number[] {
  return [...Array(panel.content.model?.cells.length ?? 0).keys()];
}

/** The failed cell that ran last, or null. */
function lastError(panel: NotebookPanel): number | null {
  return latest(
    panel,
    indices(panel).filter(index => errorOf(panel, index))
  );
}

function lastRun(panel: NotebookPanel, except: number | null): number | null {
  const ran = indices(panel).filter(index => {
    const cell = codeCell(panel, index);
    return cell?.executionCount && index !== except && !asksTether(cell.sharedModel.getSource());
  });
  return latest(panel, ran);
}

function latest(panel: NotebookPanel, among: number[]): number | null {
  const count = (index: number) => codeCell(panel, index)?.executionCount ?? 0;
  return among.length ? among.reduce((a, b) => (count(b) >= count(a) ? b : a)) : null;
}

function errorName(panel: NotebookPanel, index: number): string {
  return String(errorOf(panel, index)?.ename ?? 'error');
}

function errorContext(panel: NotebookPanel, index: number): IContext[] {
  const error = errorOf(panel, index);
  if (!error) {
    return [];
  }
  const traceback = (error.traceback as string[] | undefined)?.join('\n');
  const text = withoutAnsi(traceback || `${error.ename}: ${error.evalue}`);
  return [
    {
      kind: 'error',
      name: `${error.ename} in cell ${index + 1}`,
      text: trimmed(text, 'end', ERROR_LIMIT)
    }
  ];
}

function cellContext(panel: NotebookPanel, index: number): IContext[] {
  const cells = panel.content.model!.cells;
  const source = index < cells.length ? cells.get(index).sharedModel.getSource() : '';
  return source.trim()
    ? [{ kind: 'cell', name: `cell ${index + 1}`, text: trimmed(source, 'start') }]
    : [];
}
