/** A place where a text changes: the old lines from `from` up to `to` become `lines`. Counted from 0. */
export interface IHunk {
  from: number;
  to: number;
  lines: string[];
}

/** Beyond this many edits a diff says nothing that a reader could follow, and costs its square. */
const MOST_EDITS = 700;

/**
 * The changes that turn `old` into `now`, in order, the fewest lines there can be.
 *
 * A text that is still being written (`whole` is false) says nothing of the old lines after the last one that it has
 * in common with them: they are left as they are.
 */
export function diffLines(old: string[], now: string[], whole: boolean): IHunk[] {
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) {
    start++;
  }
  let oldEnd = old.length;
  let nowEnd = now.length;
  while (whole && oldEnd > start && nowEnd > start && old[oldEnd - 1] === now[nowEnd - 1]) {
    oldEnd--;
    nowEnd--;
  }
  if (start === nowEnd && (start === oldEnd || !whole)) {
    return [];
  }
  const steps = edits(old.slice(start, oldEnd), now.slice(start, nowEnd), whole);
  const hunks: IHunk[] = [];
  for (const { x, y, insert } of steps) {
    const at = start + x;
    const last = hunks[hunks.length - 1];
    const hunk = last && last.to === at ? last : { from: at, to: at, lines: [] };
    if (hunk !== last) {
      hunks.push(hunk);
    }
    if (insert) {
      hunk.lines.push(now[start + y]);
    } else {
      hunk.to++;
    }
  }
  return hunks;
}

/** How many lines changed, as a reader counts them: a line that became another is one. */
export function linesChanged(hunks: IHunk[]): number {
  return hunks.reduce((sum, { from, to, lines }) => sum + Math.max(to - from, lines.length), 0);
}

/** The old lines with their changes made. */
export function applied(old: string[], hunks: IHunk[]): string[] {
  const made: string[] = [];
  let at = 0;
  for (const { from, to, lines } of hunks) {
    made.push(...old.slice(at, from), ...lines);
    at = to;
  }
  return [...made, ...old.slice(at)];
}

interface IStep {
  x: number;
  y: number;
  insert: boolean;
}

/** Myers' greedy algorithm. Where the end of the old text is open, the first path that uses up the new one is it. */
function edits(old: string[], now: string[], whole: boolean): IStep[] {
  const most = Math.min(old.length + now.length, MOST_EDITS);
  // furthest[k + most + 1] is how far diagonal k has come in the old text.
  const furthest = new Int32Array(2 * most + 3);
  const trace: Int32Array[] = [];
  const middle = most + 1;
  for (let d = 0; d <= most; d++) {
    trace.push(furthest.slice(middle - d - 1, middle + d + 2));
    let found: number | null = null;
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && furthest[middle + k - 1] < furthest[middle + k + 1]);
      let x = down ? furthest[middle + k + 1] : furthest[middle + k - 1] + 1;
      let y = x - k;
      while (x < old.length && y < now.length && old[x] === now[y]) {
        x++;
        y++;
      }
      furthest[middle + k] = x;
      if (y >= now.length && x <= old.length && (whole ? x >= old.length : true)) {
        // Of equally short paths the one that has more in common with the old text.
        if (found === null || x > furthest[middle + found]) {
          found = k;
        }
      }
    }
    if (found !== null) {
      return walked(trace, found);
    }
  }
  // Too different: everything anew.
  const removed = whole ? old.map((_, x) => ({ x, y: 0, insert: false })) : [];
  const at = whole ? old.length : 0;
  return [...removed, ...now.map((_, y) => ({ x: at, y, insert: true }))];
}

/** The steps of the path that ends on diagonal `k`, from its beginning. */
function walked(trace: Int32Array[], k: number): IStep[] {
  const steps: IStep[] = [];
  for (let d = trace.length - 1; d > 0; d--) {
    // The furthest points before step d, with diagonal 0 in its middle.
    const before = trace[d];
    const middle = d + 1;
    const down = k === -d || (k !== d && before[middle + k - 1] < before[middle + k + 1]);
    const from = down ? k + 1 : k - 1;
    const fromX = before[middle + from];
    steps.push({ x: fromX, y: fromX - from, insert: down });
    k = from;
  }
  return steps.reverse();
}
