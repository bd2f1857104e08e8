/** How far behind the first word the others of a search are looked for, characters. */
const NEAR = 300;

/**
 * Where a text has words that a search has found, given in the order in which they were found: first the place
 * of the first one, where most of the others follow. Nothing, where the text does not have the first word.
 */
export function placesOf(text: string, words: readonly string[]): [number, number][] {
  const [first, ...rest] = words.flatMap(each => each.split(/\s+/)).filter(Boolean);
  if (first === undefined) {
    return [];
  }
  let best: [number, number][] = [];
  for (const start of startsOf(text, first)) {
    const found: [number, number][] = [[start, start + first.length]];
    let from = start + first.length;
    for (const word of rest) {
      const at = text.indexOf(word, from);
      if (at >= 0 && at < start + NEAR) {
        found.push([at, at + word.length]);
        from = at + word.length;
      }
    }
    if (found.length > best.length) {
      best = found;
    }
    if (best.length > rest.length) {
      break;
    }
  }
  return best;
}

/** Where a word begins in a text; inside of other words only where it never stands by itself. */
function startsOf(text: string, word: string): number[] {
  const all: number[] = [];
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + word.length)) {
    all.push(at);
  }
  const whole = all.filter(at => !INSIDE.test(text.slice(Math.max(at - 2, 0), at)));
  return whole.length ? whole : all;
}

/** What comes before a word that is the end of another. */
const INSIDE = /[\p{L}\p{N}_]$/u;
