/** What the first fenced block in an answer holds so far. */
export interface IFenced {
  code: string | null;
  /** Whether the code has ended. */
  closed: boolean;
  /** What was said around it. */
  words: string;
  /** There is code, and no telling where it ends. */
  unclear?: true;
}

const OPENING = /^([ \t]*)(`{3,}|~{3,})([^`]*)$/;
const CLOSING = /^([ \t]*)(`{3,}|~{3,})[ \t]*$/;

/**
 * The first fenced block in an answer that may still be growing; null where there is none.
 *
 * A fence may be a line of the code: one that is further indented, shorter, in a string of several lines, or one of a
 * pair. While the answer grows, the first one that can close the block does; at its end, what follows has its say.
 * `nested` is for Markdown, which holds fences but no strings.
 */
export function fenced(answer: string, over: boolean, nested = false): IFenced | null {
  const lines = answer.split('\n');
  const opened = openingOf(lines, over, nested);
  if (opened < 0) {
    return null;
  }
  const [, indent, fence] = OPENING.exec(lines[opened])!;
  const rest = lines.slice(opened + 1);
  const ends = endsOf(rest, indent, fence, nested);
  const end = over ? lastEnd(rest, ends, nested) : ends.find(each => each.kind === 'free')?.at;
  if (end === null) {
    return { code: null, closed: false, words: '', unclear: true };
  }
  const held = rest.slice(0, end);
  const last = held.length - 1;
  if (!over && end === undefined && /^(`+|~+)$/.test(held[last]?.trim() ?? '')) {
    // It may become the closing fence.
    held[last] = '';
  }
  const code = held
    .map(line => (line.startsWith(indent) ? line.slice(indent.length) : line.trimStart()))
    .join('\n');
  const closed = end !== undefined;
  const around = [...lines.slice(0, opened), ...(closed ? rest.slice(end + 1) : [])];
  return {
    code: closed || over ? code.trimEnd() : code,
    closed,
    words: around.join('\n').trim()
  };
}

/** The line that opens the block. In an answer that is code without a fence, one in a string does not. */
function openingOf(lines: string[], over: boolean, nested: boolean): number {
  const strings = new Strings();
  const could = lines.map((line, n) => {
    const inside = strings.open;
    if (!nested) {
      strings.read(line);
    }
    return OPENING.test(line) && (over || n < lines.length - 1) ? { inside } : null;
  });
  const free = could.findIndex(each => each && !each.inside);
  // A string that never ends was none: an odd quote in what was said.
  return free < 0 && strings.open ? could.findIndex(Boolean) : free;
}

/** A line that could close a block: `inside` of a string or a pair it may well not, `loose` it is badly made. */
interface IEnd {
  at: number;
  kind: 'free' | 'inside' | 'loose';
}

function endsOf(rest: string[], indent: string, fence: string, nested: boolean): IEnd[] {
  const strings = new Strings();
  const ends: IEnd[] = [];
  let deep = 0;
  rest.forEach((line, at) => {
    const [, before = '', marks = '', info = ''] = OPENING.exec(line) ?? [];
    const further = before.length > indent.length;
    const fits = marks[0] === fence[0] && marks.length >= fence.length;
    if (CLOSING.test(line) && marks[0] === fence[0]) {
      const inside = strings.open || deep > 0;
      if (fits && (!further || (nested && inside))) {
        ends.push({ at, kind: inside ? 'inside' : 'free' });
        deep = Math.max(0, deep - 1);
      } else if (!nested && !inside) {
        ends.push({ at, kind: 'loose' });
      }
    } else if (fits && info.trim() && !strings.open && (nested || !further)) {
      deep++;
    }
    if (!nested) {
      strings.read(line);
    }
  });
  return ends;
}

/** Where the block of a whole answer ends: undefined where nothing closes it, null where it is unclear. */
function lastEnd(rest: string[], ends: IEnd[], nested: boolean): number | undefined | null {
  const of = (kind: IEnd['kind']) => ends.filter(each => each.kind === kind);
  const [free, inside, loose] = [of('free'), of('inside'), of('loose')];
  if (!free.length && loose.length === 1) {
    return loose[0].at;
  }
  if (free.length === 1 && !inside.length) {
    return free[0].at;
  }
  const could = free.length ? free : inside;
  const strict = free.length !== 1;
  const found = could.find(({ at }) => isApart(rest.slice(at + 1), strict, nested));
  return found?.at ?? (could.length ? null : undefined);
}

/** Whether what follows a block is no part of it: words, and further blocks. */
function isApart(lines: string[], strict: boolean, nested: boolean): boolean {
  let fence = '';
  let bare = false;
  let before = '';
  let worded = true;
  for (const line of lines) {
    const marks = (fence ? CLOSING : OPENING).exec(line);
    if (fence) {
      fence = marks && marks[2].startsWith(fence) ? '' : fence;
    } else if (marks) {
      fence = marks[2];
      bare ||= !marks[3].trim();
      worded &&= Boolean(marks[3].trim() || before);
    } else if (line.trim()) {
      before = line;
      worded &&= isWorded(line);
    }
  }
  return !fence && (nested ? !bare : worded || !(strict || bare));
}

/** Whether a line is a sentence, a heading or a point of a list, rather than code. */
function isWorded(line: string): boolean {
  const bare = line
    .replace(/`[^`]*`/g, 'it')
    .replace(/^\s*(?:[-*>#]+|\d+[.)])\s+/, '')
    .replace(/[*_]{2}/g, '');
  const code = /\w\(|[=[\]{}\\;@]|"""|'''/.test(bare);
  const begins = /^["'“‘(]?[\p{Lu}\p{Lo}]/u.test(bare) || /^it\b/.test(bare);
  return (
    begins && !code && (/[.!?:,)。！？：、]\s*$/.test(bare) || bare.trim().split(/\s+/).length > 3)
  );
}

/** Follows code line by line: whether a string of several lines is open. */
class Strings {
  get open(): boolean {
    return this._quotes !== '';
  }

  read(line: string): void {
    const tokens = /\\.|"""|'''|#|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'/g;
    for (let found = tokens.exec(line); found; found = tokens.exec(line)) {
      const [token] = found;
      if (this._quotes) {
        if (token === this._quotes) {
          this._quotes = '';
        } else if (token.length > 1 && token[0] !== '\\') {
          // A quote of another kind is a sign like any other in here.
          tokens.lastIndex = found.index + 1;
        }
      } else if (token === '#') {
        return;
      } else if (token === '"""' || token === "'''") {
        this._quotes = token;
      }
    }
  }

  private _quotes = '';
}
