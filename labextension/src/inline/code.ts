/** What an answer holds so far. */
export interface IHeld {
  /** The code, or null while there is none. */
  code: string | null;
  /** Whether the code has ended. */
  closed: boolean;
  /** What was said around it. */
  words: string;
}

const OPENING = /^([ \t]*)(`{3,}|~{3,})([^`]*)$/;

/**
 * The code in an answer that may still be growing: what is in its first fence.
 *
 * An answer that is over and has no fence is code as a whole, unless it reads like prose. `nested` lets a fence hold
 * others, as a Markdown cell's does.
 */
export function codeIn(answer: string, over: boolean, nested = false): IHeld {
  const lines = answer.split('\n');
  const opened = lines.findIndex((line, n) => OPENING.test(line) && (over || n < lines.length - 1));
  if (opened < 0) {
    const bare = over && answer.trim() !== '' && (nested || !isProse(answer));
    return bare
      ? { code: withoutEdges(answer), closed: true, words: '' }
      : { code: null, closed: false, words: answer.trim() };
  }
  const [, indent, fence] = OPENING.exec(lines[opened])!;
  const code: string[] = [];
  let closed = false;
  let deep = 0;
  let at = opened + 1;
  for (; at < lines.length; at++) {
    const line = lines[at];
    const last = at === lines.length - 1;
    const bare = line.trim();
    const marks = bare !== '' && bare === fence[0].repeat(bare.length);
    if (marks && bare.length >= fence.length) {
      if (deep === 0) {
        closed = true;
        break;
      }
      deep--;
    } else if (nested && new RegExp(`^${fence}[^\`~\\s]`).test(bare)) {
      deep++;
    } else if (last && !over && marks) {
      // It may become the closing fence.
      code.push('');
      continue;
    }
    code.push(line.startsWith(indent) ? line.slice(indent.length) : line.trimStart());
  }
  const around = [...lines.slice(0, opened), ...lines.slice(closed ? at + 1 : lines.length)];
  return {
    code: closed || over ? withoutEnd(code.join('\n')) : code.join('\n'),
    closed,
    words: around.join('\n').trim()
  };
}

/** Shift code to the indentation of what it replaces, where a model has left that out. */
export function indented(code: string, indent: string): string {
  const first = /^[ \t]*(?=\S)/m.exec(code)?.[0] ?? '';
  if (!indent || first.length >= indent.length) {
    return code;
  }
  const missing = indent.slice(first.length);
  return code.replace(/^(?=[^\n]*\S)/gm, missing);
}

/** The indentation that all lines of a text share, blank ones aside. */
export function indentOf(text: string): string {
  const own = text
    .split('\n')
    .filter(line => line.trim())
    .map(line => /^[ \t]*/.exec(line)![0]);
  return own.reduce((a, b) => (b.length < a.length ? b : a), own[0] ?? '');
}

/** A refusal or a question, rather than code without its fence. */
function isProse(text: string): boolean {
  const lines = text.split('\n').filter(line => line.trim());
  const sentence = /^[A-Z"'“][^=(){}[\]_#]*[.!?:,]$/;
  return lines.every(line => line.trim().split(/\s+/).length > 3 && sentence.test(line.trim()));
}

function withoutEdges(text: string): string {
  return withoutEnd(text.replace(/^(?:[ \t]*\n)+/, ''));
}

function withoutEnd(text: string): string {
  return text.replace(/\s+$/, '');
}
