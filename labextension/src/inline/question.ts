import { inLanguage } from '../notebook/language';
import { trimmed } from '../notebook/text';
import type { IContext, IQuestion } from '../server/request';

export type CellKind = 'code' | 'markdown' | 'raw';

/** A cell beside the one that changes. */
export interface INeighbour {
  number: number;
  source: string;
}

/** Everything that a question about a cell's source is made of. */
export interface IWanted {
  words: string;
  /** What was asked before, answered by `proposal`. */
  before: string[];
  proposal: string | null;
  kind: CellKind;
  number: number;
  source: string;
  /** The selected part, where only that changes. */
  selection: string | null;
  neighbours: INeighbour[];
  notebook: string;
  /** What its kernel speaks; empty where nobody knows. */
  language: string;
}

/** A cell longer than this cannot be answered whole by most models; what is sent of it is cut here, which is said. */
export const MOST_SOURCE = 60_000;
const MOST_NEIGHBOUR = 2000;
/** The last of the places in which pieces are left out for want of room. */
const LAST = 9;

/** Tokens that an answer may have beyond what it replaces, and the most that is asked for. */
const ROOM = 1024;
const MOST_TOKENS = 16_000;
/** Code has fewer characters a token than prose. */
const CHARACTERS_A_TOKEN = 2.5;

/** The question for a new source; nothing of it is kept. */
export function questionFor(wanted: IWanted): IQuestion {
  const { words, before, kind, selection, source, number } = wanted;
  const context: IContext[] = wanted.neighbours
    .filter(each => each.source.trim())
    .map(each => ({
      kind: 'cell',
      name: `cell ${each.number}`,
      text: trimmed(each.source, 'start', MOST_NEIGHBOUR),
      // Nobody chose them: in a small window the nearest go along, as far as there is room.
      optional: Math.min(Math.abs(each.number - number), LAST)
    }));
  if (source.trim()) {
    context.push({
      kind: 'cell',
      name: `cell ${number}, the one to change`,
      text: trimmed(source, 'start', MOST_SOURCE)
    });
  }
  if (selection !== null) {
    context.push({ kind: 'selection', name: `selected in cell ${number}`, text: selection });
  }
  if (wanted.proposal !== null) {
    context.push({ kind: 'selection', name: 'the proposal so far', text: wanted.proposal });
  }
  return {
    message: said(words, before),
    system: system(kind, selection !== null, source.trim() === '', wanted.language),
    context,
    // The field names what goes along: nothing else does but what the words name by `@`.
    see: { cells: 'off', names: [], error: false, running: false },
    max_tokens: Math.min(
      MOST_TOKENS,
      ROOM + Math.ceil((selection ?? source).length / CHARACTERS_A_TOKEN)
    ),
    notebook: wanted.notebook,
    // Of no conversation's past: a fresh id has none.
    conversation_id: `inline-${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`,
    store: false
  };
}

function said(words: string, before: string[]): string {
  if (!before.length) {
    return words;
  }
  const earlier = before.map(each => `- ${each}`).join('\n');
  return `The proposal so far answers this:\n${earlier}\n\nChange the proposal: ${words}`;
}

function system(kind: CellKind, selected: boolean, empty: boolean, language: string): string {
  const markdown = kind === 'markdown';
  const what = markdown ? 'Markdown' : kind === 'raw' ? 'text' : 'code';
  const fence = markdown ? 'four backticks (````markdown)' : 'three backticks';
  const holds = selected
    ? `what takes the place of the selected part alone, indented as the selected part is`
    : `the whole new source of the cell`;
  const keep =
    empty || selected
      ? ''
      : ' Keep every line that the request does not touch exactly as it is, comments and blank lines included.';
  return (
    `You ${empty ? 'write' : 'change'} the ${what} of one cell of a Jupyter notebook${kind === 'code' ? inLanguage(language) : ''}, as the user asks. ` +
    `Answer with one block fenced by ${fence}, which holds ${holds}, and with nothing else: ` +
    `no words before it, none after it.${keep}`
  );
}
