/**
 * Make a model's Markdown inert: nothing in it loads, and no markup of its own is obeyed.
 *
 * Images become links that somebody has to click, HTML outside code becomes text. The HTML that comes out of the
 * Markdown parser is checked again (chat/sanitizer.ts), so a trick that slips through here shows oddly and no more.
 */
export function inert(markdown: string): string {
  return segments(markdown.replace(HIDDEN, ''))
    .map(segment => (segment.code ? plainFence(segment.text) : prose(segment.text)))
    .join('');
}

/** Whether a link in a model's text may be followed. */
export function isSafeLink(url: string): boolean {
  return /^(https?:\/\/|mailto:)[^\s]+$/i.test(url.trim());
}

/** Whether TeX in `text` could style or load something: MathJax lets these macros write CSS and links. */
export function isUnsafeMath(text: string): boolean {
  return UNSAFE_MACROS.test(text);
}

const UNSAFE_MACROS =
  /\\(style|href|class|cssId|data|require|unicode|mmlToken|bbox|csname|url|includegraphics|catcode)(?![a-z])/i;

// Tag characters and direction overrides say one thing to a reader and another to a machine.
const HIDDEN = /[\u{E0000}-\u{E007F}\u202A-\u202E\u2066-\u2069]/gu;

const ENTITIES = new Set(
  'amp lt gt quot nbsp ndash mdash hellip times middot larr rarr le ge ne copy deg'.split(' ')
);

interface ISegment {
  code: boolean;
  text: string;
}

/** Cut Markdown into fenced or indented code and the rest, newlines kept. */
function segments(markdown: string): ISegment[] {
  const found: ISegment[] = [];
  let fence = '';
  let blankBefore = true;
  const put = (code: boolean, line: string) => {
    const last = found[found.length - 1];
    if (last && last.code === code) {
      last.text += line;
    } else {
      found.push({ code, text: line });
    }
  };
  for (const line of markdown.match(/[^\n]*\n|[^\n]+$/g) ?? []) {
    const mark = /^\s*(?:[-*+>]\s+|\d+[.)]\s+)*(`{3,}|~{3,})([^\n]*)/.exec(line);
    if (fence) {
      put(true, line);
      if (mark && mark[1].startsWith(fence) && !mark[2].trim()) {
        fence = '';
      }
    } else if (mark && !(mark[1][0] === '`' && mark[2].includes('`'))) {
      fence = mark[1];
      // Each fence is a segment of its own, so that plainFence sees its first line.
      found.push({ code: true, text: line });
    } else {
      const last = found[found.length - 1];
      const indented = /^( {4}|\t)\S/.test(line) && blankBefore && (!last || !inList(last));
      put(indented, line);
    }
    blankBefore = !line.trim() || (blankBefore && /^( {4}|\t)/.test(line));
  }
  return found;
}

function inList(segment: ISegment): boolean {
  return !segment.code && /^\s*([-*+]|\d+[.)])\s/m.test(segment.text);
}

/** A diagram is drawn by a library that takes links and styles from its source: its source is code, for now. */
function plainFence(code: string): string {
  return code.replace(/^(\s*(?:[-*+>]\s+|\d+[.)]\s+)*(?:`{3,}|~{3,}))\s*mermaid\b/i, '$1diagram');
}

// In order: code span · math between dollars · bracketed math, twice · escape · image · autolink · tag · entity.
const INLINE =
  /(`+)(?!`)(?:(?!\n\s*\n)[\s\S])*?[^`]\1(?!`)|(\$\$[\s\S]+?\$\$|\$(?!\s)(?:\\.|[^$\\\n])+?\$(?!\d))|\\\(([^\n]{1,500}?)\\\)|\\\[((?:(?!\n\s*\n)[\s\S]){1,2000}?)\\\]|\\[\\`*_{}[\]()#+\-.!<>&$~|]|(!\[)|<(https?:\/\/[^\s<>]+|mailto:[^\s<>]+)>|<(?=[a-z/!?])|&(#?\w+);/gi;

function prose(text: string): string {
  return text
    .replace(
      INLINE,
      (
        whole: string,
        code: string | undefined,
        math: string | undefined,
        round: string | undefined,
        square: string | undefined,
        image: string | undefined,
        autolink: string | undefined,
        entity: string | undefined
      ) => {
        if (code) {
          return whole;
        }
        if (round?.trim()) {
          return `$${tex(round.trim())}$`;
        }
        if (square) {
          // An escaped bracket is as often a bracket: only what looks like TeX is taken for it.
          return /[\\=^_]/.test(square) ? `$$${tex(square.trim())}$$` : `\\[${prose(square)}\\]`;
        }
        if (math) {
          return tex(math);
        }
        if (image) {
          return '[image: ';
        }
        if (autolink) {
          return whole;
        }
        if (entity) {
          return ENTITIES.has(entity) ? whole : `&amp;${entity};`;
        }
        return whole === '<' ? '&lt;' : whole;
      }
    )
    .replace(/\[image: \]/g, '[image]')
    .replace(
      /(\]\(\s*<?)([a-z][a-z0-9+.-]*:[^\s)>]*)/gi,
      (whole: string, open: string, url: string) => (isSafeLink(url) ? whole : `${open}#`)
    );
}

/** An entity would reach TeX as written; a space is nothing to it. */
function tex(math: string): string {
  return math.replace(/<(?=[a-z/!?])/gi, '< ');
}
