import type { IGap } from '../server/completions';

/** How a completion is cut to what helps at its place. */
export interface IShape {
  /** Whether it may have more than one line. */
  lines: boolean;
  gap: IGap;
}

/** The most lines that are proposed at once. */
export const MOST_LINES = 12;

const FENCE = /^\s*```[^\n]*\n/;
/** A word or a letter over and over, which a small model falls into. */
const STUCK = /([A-Za-z_][\w.(]{0,11}?)\1{5,}/;
const CLOSERS = ')]}"\'';
const OPENED: Record<string, string> = { ')': '(', ']': '[', '}': '{' };

/** The text before the cursor on its line. */
export function lineBefore(prefix: string): string {
  return prefix.slice(prefix.lastIndexOf('\n') + 1);
}

/** The text after the cursor on its line. */
export function lineAfter(suffix: string): string {
  const end = suffix.indexOf('\n');
  return end < 0 ? suffix : suffix.slice(0, end);
}

/** Where several lines may be proposed: where nothing stands on the line but white space. */
export function atEmptyLine(gap: IGap): boolean {
  return !lineBefore(gap.prefix).trim() && !lineAfter(gap.suffix).trim();
}

/**
 * What of a model's text is shown, from all that has come so far.
 *
 * `ended` says that no more comes: until then, what may turn out to be a fence, white space at the end or a repetition
 * of what follows is held back, so that nothing shown is taken away again.
 */
export function shown(raw: string, shape: IShape, ended: boolean): string {
  let text = unfenced(raw.replace(/\r\n?/g, '\n'), ended);
  text = indented(text, shape);
  text = shape.lines ? block(text, shape) : text.split('\n', 1)[0];
  const stuck = STUCK.exec(text);
  if (stuck) {
    text = text.slice(0, stuck.index);
  }
  return withoutSuffix(text, shape.gap.suffix).trimEnd();
}

function unfenced(text: string, ended: boolean): string {
  const opened = FENCE.exec(text);
  if (opened) {
    text = text.slice(opened[0].length);
  } else if (/^\s*`{1,3}[^\n`]*$/.test(text)) {
    return ended && !text.includes('```') ? text : '';
  }
  const closed = text.search(/^[ \t]*```|```/m);
  text = closed < 0 ? text : text.slice(0, closed);
  return ended ? text : text.replace(/\n?[ \t]*`{1,2}$/, '');
}

/** Keep the indentation that is there: models often begin with it once more. */
function indented(text: string, { gap }: IShape): string {
  const before = lineBefore(gap.prefix);
  if (!before.trim()) {
    text = text.replace(/^(?:[ \t]*\n)+/, '');
    const above = gap.prefix.trimEnd();
    const deeper = !before && (/[:([{,\\]$/.test(above) || /^[ \t]/.test(lineBefore(above)));
    return deeper ? text : text.replace(/^[ \t]+/, '');
  }
  return /[ \t]$/.test(before) ? text.replace(/^[ \t]+/, '') : text;
}

/** The lines that belong together: to a second empty one, to where the indentation ends, to what follows already. */
function block(text: string, { gap }: IShape): string {
  const indent = lineBefore(gap.prefix).length;
  const next = gap.suffix.split('\n').find((line, at) => at > 0 && line.trim());
  const kept: string[] = [];
  for (const line of text.split('\n').slice(0, MOST_LINES)) {
    const depth = line.length - line.trimStart().length;
    const inside = !kept.length || !line.trim() || depth >= indent;
    const empty = !line.trim() && kept.length > 1 && !kept[kept.length - 1].trim();
    if (!inside || empty || (next !== undefined && kept.length && line === next)) {
      break;
    }
    kept.push(line);
  }
  return kept.join('\n');
}

/** Take from the end what stands after the cursor already, or may become it. */
function withoutSuffix(text: string, suffix: string): string {
  const after = lineAfter(suffix).trimEnd();
  for (let length = Math.min(after.length, text.length); length > 0; length--) {
    const tail = after.slice(0, length);
    if (text.endsWith(tail) && (length > 2 || needless(text, tail))) {
      return text.slice(0, -length);
    }
  }
  return text;
}

/** Whether the closing brackets and quotes at a text's end close nothing in it. */
function needless(text: string, tail: string): boolean {
  if (![...tail].every(each => CLOSERS.includes(each))) {
    return true;
  }
  const rest = text.slice(0, -tail.length);
  return [...tail].every(each => {
    const count = (one: string) => rest.split(one).length - 1;
    const opener = OPENED[each];
    return opener ? count(opener) <= count(each) : count(each) % 2 === 0;
  });
}
