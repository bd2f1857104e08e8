import { fenced, IFenced } from '../notebook/fence';
import { isProse } from '../notebook/prose';

/**
 * The code in an answer that may still be growing: what is in its first fence, null while there is none.
 *
 * An answer that is over and has no fence is code as a whole, unless it reads like prose. `nested` lets a fence hold
 * others, as a Markdown cell's does.
 */
export function codeIn(answer: string, over: boolean, nested = false): IFenced {
  const found = fenced(answer, over, nested);
  if (found) {
    return found;
  }
  const bare = over && answer.trim() !== '' && (nested || !isProse(answer));
  return bare
    ? { code: withoutEdges(answer), closed: true, words: '' }
    : { code: null, closed: false, words: answer.trim() };
}

/** Shift code to the indentation of what it replaces, where a model has left that out. */
export function indented(code: string, indent: string): string {
  const first = /^[ \t]*(?=\S)/m.exec(code)?.[0] ?? '';
  if (!indent || first.length >= indent.length) {
    return code;
  }
  const missing = indent.slice(first.length);
  return code.replace(/^(?=[^\n]*\S)/gm, missing);
}

/** The indentation that all lines of a text share, blank ones aside. */
export function indentOf(text: string): string {
  const own = text
    .split('\n')
    .filter(line => line.trim())
    .map(line => /^[ \t]*/.exec(line)![0]);
  return own.reduce((a, b) => (b.length < a.length ? b : a), own[0] ?? '');
}

function withoutEdges(text: string): string {
  return text.replace(/^(?:[ \t]*\n)+/, '').trimEnd();
}
