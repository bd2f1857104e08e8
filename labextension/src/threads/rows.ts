import type { IFound } from '../server/search';
import type { IThread } from '../server/threads';
import type { IGroup } from './groups';

/** One line of the list; `position` and `size` say where it stands under its heading. */
export type Row =
  | { kind: 'group'; key: string; group: IGroup; open: boolean; position: number; size: number }
  | {
      kind: 'thread';
      key: string;
      thread: IThread;
      level: 1 | 2;
      position: number;
      size: number;
    }
  | { kind: 'hit'; key: string; found: IFound; level: 1 | 2; position: number; size: number };

/** How high a row is, px. The list computes with it, so that only what is seen is drawn. */
export function heightOf(row: Row): number {
  if (row.kind === 'group') {
    return 32;
  }
  return row.kind === 'hit' && row.found.message ? 88 : 48;
}

/** Headings with what stands under the open ones. */
export function groupRows(groups: IGroup[], closed: ReadonlySet<string>): Row[] {
  return groups.flatMap((group, i) => {
    const open = !closed.has(group.key);
    const head: Row = {
      kind: 'group',
      key: `group ${group.key}`,
      group,
      open,
      position: i + 1,
      size: groups.length
    };
    return [head, ...(open ? threadRows(group.threads, 2) : [])];
  });
}

export function threadRows(threads: IThread[], level: 1 | 2): Row[] {
  return threads.map((thread, i) => ({
    kind: 'thread',
    key: thread.id,
    thread,
    level,
    position: i + 1,
    size: threads.length
  }));
}

export function hitRows(found: IFound[]): Row[] {
  return found.map((each, i) => ({
    kind: 'hit',
    key: each.message?.id ?? `title ${each.conversation.id}`,
    found: each,
    level: 1,
    position: i + 1,
    size: found.length
  }));
}

/** Where each row begins, and, last, where all end. */
export function tops(rows: Row[]): number[] {
  const found = [0];
  for (const row of rows) {
    found.push(found[found.length - 1] + heightOf(row));
  }
  return found;
}

/** The rows that a view shows, from the first up to the second, with some beyond either end. */
export function visible(
  begins: number[],
  top: number,
  height: number,
  beyond = 8
): [number, number] {
  const count = begins.length - 1;
  // The last row that begins at or above a point.
  const at = (point: number) => {
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (begins[middle] <= point) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return low;
  };
  return [Math.max(0, at(top) - beyond), Math.min(count, at(top + height) + 1 + beyond)];
}

/** The scroll position that shows a row with as little movement as can be. */
export function scrolledTo(begins: number[], index: number, top: number, height: number): number {
  const [begin, end] = [begins[index], begins[index + 1]];
  return begin < top ? begin : end > top + height ? end - height : top;
}
