import { fenced } from '../notebook/fence';

/** The most lines of a proposed cell. */
export const MOST_LINES = 40;

/**
 * The code in an answer, from as much of it as has come: that of its first fence, or all of it where it is no prose.
 *
 * While the answer is written, nothing is taken for code that may still turn out to be words. Of an answer that was
 * cut off (`whole` is false), the last line is left out: it may be half of one.
 */
export function codeOf(answer: string, ended: boolean, whole = true): string {
  const text = whole ? answer : lines(answer);
  const found = fenced(text, ended);
  if (found) {
    return bounded(found.code ?? '');
  }
  return ended && isCode(text) ? bounded(text) : '';
}

/** The lines that have an end. */
function lines(text: string): string {
  return text.slice(0, text.lastIndexOf('\n') + 1);
}

function bounded(code: string): string {
  return code
    .replace(/^(?:[ \t]*\n)+/, '')
    .split('\n')
    .slice(0, MOST_LINES)
    .join('\n')
    .trimEnd();
}

/** Whether a text without a fence is code: most of its lines could not be a sentence. */
function isCode(text: string): boolean {
  const lines = text.split('\n').filter(line => line.trim());
  const coded = lines.filter(
    line =>
      /^[ \t]*(?:#|@|%|import |from \S+ import|def |class |return\b|for .+:|if .+:|with .+:|else:|try:)/.test(
        line
      ) ||
      /^[ \t]*[\w.[\]'", ]+ ?[-+*/]?= ?\S/.test(line) ||
      /^[ \t]*[\w.]+\(.*\)?,?$/.test(line) ||
      /^[ \t]+\S/.test(line) ||
      /^[ \t]*[)\]}]+,?$/.test(line)
  );
  return lines.length > 0 && coded.length === lines.length;
}
