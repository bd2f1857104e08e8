/** What is being named at the caret: `@…` anywhere, `/…` at the very beginning. */
export interface ITyped {
  sign: '@' | '/';
  /** Where the sign stands, and where what was typed ends. */
  start: number;
  end: number;
  query: string;
}

// A sign after a letter is an address or a path. `@cell 4` has a blank in it.
const AT = /(?:^|[\s([{,;:"'`])@(cell \d{0,4}|[^\s@]{0,120})$/i;
const SLASH = /^\/([a-z]*(?: [^\n]{0,200})?)$/i;

/** Find what is being named; null where there is nothing. */
export function typedAt(words: string, caret: number): ITyped | null {
  const before = words.slice(0, caret);
  const slash = SLASH.exec(before);
  if (slash) {
    return { sign: '/', start: 0, end: caret, query: slash[1] };
  }
  const at = AT.exec(before);
  return at ? { sign: '@', start: caret - at[1].length - 1, end: caret, query: at[1] } : null;
}

/** Whether a command ends the line: what stands behind the caret would be lost if it were done at once. */
export function endsLine(words: string, typed: ITyped): boolean {
  return typed.sign === '/' && !words.slice(typed.end).trim();
}

/** Put words in the place of what was typed; returns them and where the caret then stands. */
export function replaced(
  words: string,
  typed: ITyped,
  by: string,
  goesOn = false
): { words: string; caret: number } {
  const rest = words.slice(typed.end);
  const gap = by && !goesOn && !/^[\s.,;:!?)\]}]/.test(rest) ? ' ' : '';
  const over = gap || (!goesOn && rest.startsWith(' ')) ? 1 : 0;
  return {
    words: words.slice(0, typed.start) + by + gap + rest,
    caret: typed.start + by.length + over
  };
}

/** How well a name fits what was typed: 0 is best, null is not at all. */
export function fits(name: string, query: string): number | null {
  const where = name.toLowerCase();
  const what = query.toLowerCase();
  if (!what || where.startsWith(what)) {
    return 0;
  }
  // The beginning of a word in the name, as in `sales_2024` or `data/sales.csv`.
  const word = where.split(/[\s_./-]+/).some(part => part.startsWith(what));
  return word ? 1 : where.includes(what) ? 2 : null;
}

/** Those whose names fit, the best first; equals keep their order. */
export function filtered<T>(all: readonly T[], query: string, name: (each: T) => string): T[] {
  return all
    .map((each, at) => ({ each, at, how: fits(name(each), query) }))
    .filter((each): each is { each: T; at: number; how: number } => each.how !== null)
    .sort((a, b) => a.how - b.how || a.at - b.at)
    .map(({ each }) => each);
}
