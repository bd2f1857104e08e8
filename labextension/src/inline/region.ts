import { indented, indentOf } from './code';
import { diffLines, IHunk } from './lines';

/** The part of a source that a proposal replaces. */
export interface IRegion {
  from: number;
  to: number;
}

/** A replacement as far as it has come. */
export interface IReplacement {
  text: string;
  /** Whether that is all of it. */
  whole: boolean;
}

/** A change of a source: what is between `from` and `to` becomes `text`. */
export interface IChange extends IRegion {
  text: string;
}

/** The lines of a source that a proposal touches, and how they change. */
export interface IPicture {
  /** The first of these lines, counted from 0. */
  first: number;
  hunks: IHunk[];
}

/** What a selection means: whole lines lose their line break, indentation belongs to its line. */
export function selected(source: string, from: number, to: number): IRegion {
  if (to > from && source[to - 1] === '\n') {
    to--;
  }
  const start = source.lastIndexOf('\n', from - 1) + 1;
  return { from: source.slice(start, from).trim() ? from : start, to };
}

/** A replacement as it goes into the source: indented like what it replaces, and ending in as many blank lines. */
export function fitting(source: string, region: IRegion, { text, whole }: IReplacement): string {
  const old = source.slice(region.from, region.to);
  const begins = region.from === 0 || source[region.from - 1] === '\n';
  const shifted = begins && old ? indented(text, indentOf(old)) : text;
  return whole && old.trim() ? shifted + (/(\n[ \t]*)+$/.exec(old)?.[0] ?? '') : shifted;
}

/**
 * The part that a proposal replaces when its cell has been put in anew; null where it cannot be told.
 *
 * A cell that was moved has its old source; one that was read from the disk anew may have another, in which what was
 * selected (`selects`) could be anywhere.
 */
export function carried(
  old: string,
  now: string,
  region: IRegion,
  selects: boolean
): IRegion | null {
  if (old === now) {
    return region;
  }
  return selects ? null : { from: 0, to: now.length };
}

/** How the lines of a source change by a replacement, line by line. */
export function picture(source: string, region: IRegion, { text, whole }: IReplacement): IPicture {
  const start = source.lastIndexOf('\n', region.from - 1) + 1;
  const next = source.indexOf('\n', region.to);
  const end = next < 0 ? source.length : next;
  const first = source.slice(0, start).split('\n').length - 1;
  const old = linesOf(source.slice(start, end));
  const head = source.slice(start, region.from);
  if (whole) {
    const now = linesOf(head + text + source.slice(region.to, end));
    return { first, hunks: diffLines(old, now, true) };
  }
  const now = (head + text).split('\n');
  const tail = now.pop() ?? '';
  const hunks = diffLines(old, now, false);
  const reached = now.length - hunks.reduce((sum, h) => sum + h.lines.length - (h.to - h.from), 0);
  // The line under way may yet become the old one; until it cannot, it is not shown.
  if (tail.trim() && !old.slice(reached, reached + 1).some(line => line.startsWith(tail))) {
    const last = hunks[hunks.length - 1];
    if (last && last.to === reached) {
      last.lines.push(tail);
    } else {
      hunks.push({ from: reached, to: reached, lines: [tail] });
    }
  }
  return { first, hunks };
}

/** The least change of a source that makes a replacement: what both have in common stays, with its cursors. */
export function change(source: string, region: IRegion, text: string): IChange | null {
  const old = source.slice(region.from, region.to);
  let start = 0;
  while (start < old.length && start < text.length && old[start] === text[start]) {
    start++;
  }
  let end = 0;
  const most = Math.min(old.length, text.length) - start;
  while (end < most && old[old.length - 1 - end] === text[text.length - 1 - end]) {
    end++;
  }
  return start === old.length && start === text.length
    ? null
    : {
        from: region.from + start,
        to: region.to - end,
        text: text.slice(start, text.length - end)
      };
}

function linesOf(text: string): string[] {
  return text === '' ? [] : text.split('\n');
}
