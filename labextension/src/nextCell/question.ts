import type { NotebookPanel } from '@jupyterlab/notebook';

import { inLanguage, languageOf } from '../notebook/language';
import { asksTether, trimmed } from '../notebook/text';
import type { IQuestion } from '../server/request';

const system = (language: string) =>
  `You write the next cell of a Jupyter notebook${inLanguage(language)}: the one step that most likely follows. ` +
  'Reply with one fenced code block of at most fifteen lines and nothing else. Use only names that exist. Reply with ' +
  'nothing if there is no sensible next step.';

/** Names of variables that are looked at. */
const NAMES = 8;

/** Whether a next cell can follow this one: it ran last of all that hold anything, and asked Tether nothing. */
export function isLast(sources: readonly string[], at: number): boolean {
  return (
    Boolean(sources[at]?.trim()) &&
    !asksTether(sources[at]) &&
    sources.slice(at + 1).every(source => !source.trim())
  );
}

/** Names before `=`; before `<-` as R has them, where a name may hold dots. */
const ASSIGNED = /^(?:[A-Za-z_]\w*(?:\s*,\s*[A-Za-z_]\w*)*\s*=(?!=)|[A-Za-z_.][\w.]*\s*<<?-)/gm;

/** The names that code gives values to, the last ones first. */
export function assigned(code: string): string[] {
  const found = [...code.matchAll(ASSIGNED)];
  const names = found.flatMap(each => each[0].replace(/(?:=|<<?-)$/, '').split(','));
  return [...new Set(names.map(name => name.trim()).reverse())].slice(0, NAMES);
}

/** What is asked for the cell after `at`: its words as they are now, and what the server may see of the rest. */
export function question(panel: NotebookPanel, sources: readonly string[], at: number): IQuestion {
  const cell = panel.content.model!.cells.get(at);
  return {
    message: `Write the cell that follows cell ${at + 1}.`,
    system: system(languageOf(panel)),
    notebook: panel.context.path,
    kernel_id: panel.sessionContext.session?.kernel?.id,
    // Of no conversation's past: a fresh id has none.
    conversation_id: `next-${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`,
    // The server reads the notebook as it was saved, which may be before this cell was written.
    context: [{ kind: 'cell', name: `cell ${at + 1}`, text: trimmed(sources[at], 'start') }],
    see: {
      cells: 'around',
      cell_id: cell.id,
      cell_index: at,
      names: assigned(sources.slice(0, at + 1).join('\n')),
      running: false
    },
    max_tokens: 400,
    // Nobody asked for it: what somebody did ask for goes first.
    priority: 'batch',
    store: false
  };
}
