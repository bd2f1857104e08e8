/** How the server writes a secret that it does not send (`core/redact.py`); two that touch make one run. */
const MASK = /•{3,}/;
const BULLET = '•';
/** How a line may end otherwise when another one follows it. */
const END = /[\s,;)\]}]+$/;
/** The line above the secret ones of a private key: one mask stands for all of them. */
const PRIVATE = /PRIVATE KEY|Private-Lines/;

/** A text with the secrets put back that were masked in it. */
export interface IRestored {
  text: string;
  /** The lines, counted from 1, in which a mask stands for a secret that could not be told. */
  left: number[];
  /** Whether such a secret may be in the old text, and gone when this takes its place. */
  loses: boolean;
}

/**
 * Put back what a model saw as a mask: what stands in the old text with the same text around it.
 *
 * `cell` is what else of the old text's cell the model saw. A mask that could stand for several secrets, or for none,
 * stays, and so does one that the old text has itself. Of a text that is still being written (`whole` is false), what
 * may yet become a mask is left out.
 */
export function restored(text: string, old: string, whole = true, cell = old): IRestored {
  if (!text.includes(BULLET)) {
    return { text, left: [], loses: false };
  }
  const lines = text.split('\n');
  if (!whole) {
    lines.push(lines.pop()!.split(BULLET)[0]);
  }
  const sources = [old, cell];
  const made = withLines(withBlocks(lines, sources, whole), sources, whole).split('\n');
  const own = new Map<string, number>();
  const left = made.flatMap((line, n) => {
    const times = (own.get(line.trim()) ?? 0) + 1;
    own.set(line.trim(), times);
    return MASK.test(line) && times > mostOf(sources, line.trim()) ? [n + 1] : [];
  });
  const gone = old.split('\n').some(line => line.trim() && !own.has(line.trim()));
  return { text: made.join('\n'), left, loses: left.length > 0 && gone };
}

/** What is said of masks that stay where a secret would be lost. */
export function lost({ left }: IRestored): string {
  const where = `${left.length > 1 ? 'lines' : 'line'} ${left.slice(0, 3).join(', ')}${left.length > 3 ? '…' : ''}`;
  return `A secret was masked as ••• in ${where}, and it is unclear which one.`;
}

/** Put back lines that are nothing but masks, known by the lines above and below. */
function withBlocks(lines: string[], sources: string[], whole: boolean): string[] {
  const made: string[] = [];
  for (let from = 0; from < lines.length; from++) {
    let to = from;
    while (to < lines.length && isBare(lines[to])) {
      to++;
    }
    if (to === from) {
      made.push(lines[from]);
      continue;
    }
    if (!whole && to >= lines.length - 1) {
      // The line below has not come, or not all of it.
      return [...made, ''];
    }
    const [above, below] = [lines[from - 1]?.trim(), lines[to]?.trim()];
    const count = to - from;
    const found = sources
      .map(source =>
        above && below && PRIVATE.test(above)
          ? between(source, above, below)
          : blockIn(source, above, below, count)
      )
      .find(each => each !== null);
    if (found === undefined) {
      made.push(...lines.slice(from, to));
    } else if (above && below && PRIVATE.test(above)) {
      // Where a key is put together from strings, the mask ends in the middle of lines.
      made.push(...`${made.pop()!.trimEnd()}${found}${lines[to].trimStart()}`.split('\n'));
      to++;
    } else {
      made.push(...found!.split('\n'));
    }
    from = to - 1;
  }
  return made;
}

/** So many lines of a source between two others, if that is clear; undefined is its start and its end. */
function blockIn(
  source: string,
  above: string | undefined,
  below: string | undefined,
  count: number
): string | null {
  const old = source.split('\n');
  const found = old.flatMap((_, at) => {
    const end = at + count;
    const same = old[at - 1]?.trim() === above && old[end]?.trim() === below;
    const lines = old.slice(at, end);
    return same && lines.length === count && lines.every(line => line.trim())
      ? [lines.join('\n')]
      : [];
  });
  return found.length === 1 ? found[0] : null;
}

/** Put secrets back into lines that hold more than a mask. */
function withLines(lines: string[], sources: string[], whole: boolean): string {
  const said = new Set(lines.map(line => line.trim()));
  const alike = new Map<string, number[]>();
  lines.forEach((line, at) => {
    if (MASK.test(line) && !isBare(line)) {
      const core = coreOf(line);
      alike.set(core, [...(alike.get(core) ?? []), at]);
    }
  });
  const made = [...lines];
  for (const [core, places] of alike) {
    const masked = places.map(at => lines[at].trim());
    if (
      masked.every(line => mostOf(sources, line) >= masked.filter(each => each === line).length)
    ) {
      continue;
    }
    const found = sources.map(source => meant(core, source, said)).find(each => each.length) ?? [];
    // One that a word tells from all others may stand in several places; of others there are as many as masks, in the
    // same order. Whether there are may only be known at the end.
    const clear = new Set(found).size === 1 && (places.length <= found.length || /\w/.test(core));
    if (clear || found.length === places.length || !whole) {
      places.forEach((at, n) => {
        const text = clear ? found[0] : found[n];
        made[at] = text === undefined ? lines[at] : lines[at].replace(core, () => text);
      });
    }
  }
  return made.join('\n');
}

/** A line with masks, without what changes where it goes on in another way. */
function coreOf(line: string): string {
  const bare = line.trim();
  const core = bare.replace(END, '');
  return core.endsWith(BULLET) ? bare : core;
}

/** What the core of a line may have been in a source: all of it, in order. */
function meant(core: string, source: string, said: Set<string>): string[] {
  const parts = core.split(MASK);
  // A model never saw a line that holds a secret: one that it repeats has none.
  const hidden = source
    .split('\n')
    .map(each => each.trim())
    .filter(each => MASK.test(each) || !said.has(each));
  const same = hidden
    .map(each => (parts[parts.length - 1] ? each.replace(END, '') : each))
    .filter(each => fits(each, parts));
  if (same.length) {
    return same;
  }
  const written = (secrets: string[]) =>
    parts.reduce((made, part, n) => made + secrets[n - 1] + part);
  const found = parts.slice(1).map((after, n) => {
    const near = nearby(parts[n], after, n === 0);
    return near ? hidden.flatMap(one => [...one.matchAll(near)].map(match => match[1])) : [];
  });
  if (found.length === 1 && found[0].length) {
    return found[0].map(secret => written([secret]));
  }
  if (found.every(secrets => new Set(secrets).size === 1)) {
    return [written(found.map(secrets => secrets[0]))];
  }
  const quotes = /("""|''')$/.exec(parts[0])?.[1];
  const inside =
    quotes && parts.length === 2 && parts[1].startsWith(quotes)
      ? between(source, parts[0], quotes)
      : null;
  return inside ? [written([inside])] : [];
}

/** Whether a line has these parts in this order, each with something between. */
function fits(line: string, parts: string[]): boolean {
  const last = parts[parts.length - 1];
  let at = parts[0].length;
  for (const part of parts.slice(1, -1)) {
    const found = line.indexOf(part, at + 1);
    if (found < 0) {
      return false;
    }
    at = found + part.length;
  }
  return line.startsWith(parts[0]) && line.endsWith(last) && line.length - last.length > at;
}

/** What finds a secret by the word before it and the sign after it, where the rest of the line is another now. */
function nearby(before: string, after: string, first: boolean): RegExp | null {
  const [, word = '', signs = ''] = /(\w+)(\W*)$/.exec(before) ?? [];
  if (!word && !(first && before)) {
    return null;
  }
  const spaced = [...signs.matchAll(/\S/g)].map(([sign]) => `\\s*${escaped(sign)}`).join('');
  const lead = word
    ? `(?<!\\w)${word}${spaced}${/\s$/.test(signs) ? '\\s+' : ''}`
    : `^${escaped(before)}`;
  const sign = after[0] ?? '';
  if (sign === '"' || sign === "'") {
    return new RegExp(`${lead}((?:\\\\.|[^\\\\${sign}])+)${sign}`, 'g');
  }
  if (sign === '@') {
    return new RegExp(`${lead}([^\\s"'@]+)@`, 'g');
  }
  return sign ? null : new RegExp(`${lead}(.+)$`, 'g');
}

/** What is between two texts in a source that holds the first of them once. */
function between(source: string, above: string, below: string): string | null {
  const parts = source.split(above);
  const end = parts.length === 2 ? parts[1].indexOf(below) : -1;
  return end > 0 ? parts[1].slice(0, end) : null;
}

function isBare(line: string): boolean {
  return /^\s*•{3,}\s*$/.test(line);
}

/** How often a line stands in the source that has it most often. */
function mostOf(sources: string[], line: string): number {
  const counts = sources.map(
    source => source.split('\n').filter(each => each.trim() === line).length
  );
  return Math.max(...counts);
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
}
