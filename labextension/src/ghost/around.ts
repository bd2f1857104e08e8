/** A cell of the notebook, as much of it as a completion may know. */
export interface ICellText {
  type: string;
  source: string;
}

/** Characters before and after the cursor that go with a request. */
export const BEFORE = 6000;
export const AFTER = 1500;
/** Characters of import lines that are kept of what is cut away. */
const IMPORTS = 800;
/** Characters of a Markdown cell, which says what the next one is about. */
const PROSE = 400;
/** The start moves in steps, so that most keystrokes leave the text before the cursor as it was for the model. */
const STEP = 1500;

const IMPORT = /^(?:import|from)[ \t]+[\w.]+.*$/gm;

/** The text before the cursor, with the cells before as Python, its end nearest to the cursor. */
export function textBefore(cells: readonly ICellText[], source: string): string {
  const own = source.slice(cutAt(source, BEFORE));
  const room = BEFORE - own.length;
  const above = cells.map(asPython).filter(Boolean).join('\n\n');
  if (!above || room <= 0) {
    return own;
  }
  const at = cutAt(above, room);
  const imports = at ? importsOf(above.slice(0, at)) : '';
  return [imports, above.slice(at), own].filter((part, i) => part || i === 2).join('\n\n');
}

/** The text after the cursor, cut at the end of a line. */
export function textAfter(source: string): string {
  if (source.length <= AFTER) {
    return source;
  }
  const end = source.lastIndexOf('\n', AFTER);
  return source.slice(0, end > 0 ? end : AFTER);
}

function cutAt(text: string, room: number): number {
  const over = text.length - room;
  if (over <= 0) {
    return 0;
  }
  const at = Math.min(Math.ceil(over / STEP) * STEP, text.length);
  const line = text.indexOf('\n', at);
  // A single line may be longer than all the room.
  return line < 0 || line - at > STEP ? Math.max(over, text.length - room) : line + 1;
}

function asPython({ type, source }: ICellText): string {
  const text = source.trim();
  if (type === 'code') {
    // What is no Python would only teach the model other things.
    return /^%%(?!time|capture|prun)/.test(text) ? '' : text;
  }
  return type === 'markdown' && text
    ? text
        .slice(0, PROSE)
        .split('\n')
        .map(line => `# ${line}`.trimEnd())
        .join('\n')
    : '';
}

function importsOf(text: string): string {
  const lines = [...new Set(text.match(IMPORT) ?? [])].join('\n');
  return lines.length <= IMPORTS ? lines : lines.slice(0, lines.lastIndexOf('\n', IMPORTS));
}
