/** The most lines of a proposed cell. */
export const MOST_LINES = 40;

/**
 * The code in an answer, from as much of it as has come: that of its first fence, or all of it where it is no prose.
 *
 * While the answer is written, nothing is taken for code that may still turn out to be words. Of an answer that was
 * cut off (`whole` is false), the last line is left out: it may be half of one.
 */
export function codeOf(answer: string, ended: boolean, whole = true): string {
  const fence = /^[ \t]*(`{3,}|~{3,})[^\n]*\n/m.exec(answer);
  if (fence) {
    const from = answer.slice(fence.index + fence[0].length);
    const end = from.search(new RegExp(`^[ \\t]*${fence[1]}`, 'm'));
    const inside = end < 0 ? withoutTail(whole ? from : lines(from), ended) : from.slice(0, end);
    return bounded(inside);
  }
  const text = whole ? answer : lines(answer);
  return ended && isCode(text) ? bounded(text) : '';
}

/** The lines that have an end. */
function lines(text: string): string {
  return text.slice(0, text.lastIndexOf('\n') + 1);
}

/** An unfinished last line may be the fence that closes. */
function withoutTail(text: string, ended: boolean): string {
  return ended ? text : text.replace(/\n?[ \t]*[`~]{1,3}$/, '');
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
