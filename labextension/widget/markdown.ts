import { Marked, type Token, type TokenizerAndRendererExtension, type Tokens } from 'marked';

import { codeBlock } from './code';
import { element } from './dom';
import { linked } from './links';
import { formula } from './math';

/** What says one thing to a reader and another to a machine: tag characters, direction overrides. */
const HIDDEN = /[\u{E0000}-\u{E007F}\u202A-\u202E\u2066-\u2069]/gu;
/** Nesting beyond this is shown as its source. */
const DEEPEST = 24;

interface IFormula extends Tokens.Generic {
  tex: string;
  display: boolean;
}

const INLINE_FORMULAS = [
  { rule: /^\$\$((?:(?!\n\s*\n)[^$])+?)\$\$/, display: true, sure: true },
  { rule: /^\$(?!\s)((?:\\.|[^$\\\n`])+?)(?<!\s)\$(?!\d)/, display: false, sure: true },
  { rule: /^\\\(([^\n]{1,1000}?)\\\)/, display: false, sure: true },
  // An escaped bracket is as often a bracket: only what looks like TeX is taken for it.
  { rule: /^\\\[((?:(?!\n\s*\n)[\s\S]){1,4000}?)\\\]/, display: true, sure: false }
];
const BLOCK_FORMULAS = [
  /^ {0,3}\$\$((?:(?!\n\s*\n)[^$])+?)\$\$[ \t]*(?:\n|$)/,
  /^ {0,3}(\\begin\{([a-z]+\*?)\}(?:(?!\n\s*\n)[\s\S])+?\\end\{\2\})[ \t]*(?:\n|$)/
];

const inlineFormula: TokenizerAndRendererExtension = {
  name: 'formula',
  level: 'inline',
  start: source => source.search(/\$|\\[([]/),
  tokenizer(source) {
    for (const { rule, display, sure } of INLINE_FORMULAS) {
      const found = rule.exec(source);
      if (found && found[1].trim() && (sure || /[\\=^_]/.test(found[1]))) {
        return { type: 'formula', raw: found[0], tex: found[1].trim(), display };
      }
    }
    return undefined;
  }
};

const blockFormula: TokenizerAndRendererExtension = {
  name: 'formulaBlock',
  level: 'block',
  start: source => source.search(/(?:^|\n) {0,3}(?:\$\$|\\begin\{)/),
  tokenizer(source) {
    for (const rule of BLOCK_FORMULAS) {
      const found = rule.exec(source);
      if (found) {
        return { type: 'formulaBlock', raw: found[0], tex: found[1].trim(), display: true };
      }
    }
    return undefined;
  }
};

const marked = new Marked({ gfm: true, extensions: [inlineFormula, blockFormula] });

/** The blocks of a Markdown text; their `raw`s together are the text. */
export function blocksOf(markdown: string): Token[] {
  return marked.lexer(markdown);
}

/** Markdown as nodes. Of markup there is only what is made here; tags in it stand as they were written. */
export function rendered(markdown: string): DocumentFragment {
  const all = document.createDocumentFragment();
  try {
    all.append(...nodes(blocksOf(markdown.replace(HIDDEN, '')), 0));
  } catch (reason) {
    // A text that the parser cannot digest, such as ten thousand quotation marks, is still a text.
    console.error('Tether: this answer is shown as plain text.', reason);
    all.replaceChildren(element('pre', 'tw-plain', markdown));
  }
  return all;
}

function nodes(tokens: Token[] | undefined, depth: number): Node[] {
  return (tokens ?? []).flatMap(token => nodeOf(token, depth));
}

function nodeOf(token: Token, depth: number): Node[] {
  if (depth > DEEPEST) {
    return [text(token.raw)];
  }
  const inside = () => nodes((token as Tokens.Generic).tokens, depth + 1);
  switch (token.type) {
    case 'space':
    case 'def':
      return [];
    case 'code':
      return [codeOf(token as Tokens.Code)];
    case 'heading':
      // The page's own headings stand above: an answer's begin two levels below.
      return [
        element(`h${Math.min((token as Tokens.Heading).depth + 2, 6)}` as 'h3', '', ...inside())
      ];
    case 'table':
      return [table(token as Tokens.Table, depth)];
    case 'hr':
      return [element('hr')];
    case 'blockquote':
      return [element('blockquote', '', ...inside())];
    case 'list':
      return [list(token as Tokens.List, depth)];
    case 'checkbox':
      return [text((token as Tokens.Checkbox).checked ? '☑ ' : '☐ ')];
    case 'paragraph':
      return [element('p', '', ...inside())];
    case 'html':
      return markup(token as Tokens.HTML);
    case 'strong':
      return [element('strong', '', ...inside())];
    case 'em':
      return [element('em', '', ...inside())];
    case 'del':
      return [element('del', '', ...inside())];
    case 'codespan':
      return [element('code', '', (token as Tokens.Codespan).text)];
    case 'br':
      return [element('br')];
    case 'link':
      return [linked((token as Tokens.Link).href, inside())];
    case 'image': {
      const { href, text: label } = token as Tokens.Image;
      return [linked(href, [text(`[image: ${label || href.slice(0, 60)}]`)])];
    }
    case 'formula':
    case 'formulaBlock':
      return [formula((token as IFormula).tex, (token as IFormula).display)];
    case 'escape':
      return [text((token as Tokens.Escape).text)];
    case 'text': {
      const own = token as Tokens.Text;
      return own.tokens ? inside() : [text(unescaped(own.text))];
    }
    default:
      return [text(token.raw)];
  }
}

function codeOf({ text: code, lang = '' }: Tokens.Code): Node {
  return lang.trim().toLowerCase() === 'math' ? formula(code.trim(), true) : codeBlock(code, lang);
}

function markup(token: Tokens.HTML): Node[] {
  if (/^<br\s*\/?>$/i.test(token.raw.trim())) {
    return [element('br')];
  }
  return [token.block ? element('p', 'tw-plain', token.raw.trim()) : text(token.raw)];
}

function list(token: Tokens.List, depth: number): HTMLElement {
  const made = element(token.ordered ? 'ol' : 'ul');
  if (token.ordered && typeof token.start === 'number' && token.start !== 1) {
    (made as HTMLOListElement).start = token.start;
  }
  made.append(...token.items.map(item => element('li', '', ...nodes(item.tokens, depth + 1))));
  return made;
}

function table(token: Tokens.Table, depth: number): HTMLElement {
  const row = (cells: Tokens.TableCell[], tag: 'th' | 'td') =>
    element(
      'tr',
      '',
      ...cells.map(cell => {
        const made = element(tag, '', ...nodes(cell.tokens, depth + 1));
        if (cell.align) {
          made.style.textAlign = cell.align;
        }
        return made;
      })
    );
  const head = element('thead', '', row(token.header, 'th'));
  const body = element('tbody', '', ...token.rows.map(cells => row(cells, 'td')));
  const frame = element('div', 'tw-table', element('table', '', head, body));
  frame.tabIndex = 0;
  frame.setAttribute('role', 'region');
  frame.setAttribute('aria-label', 'Table');
  return frame;
}

function text(content: string): Text {
  return document.createTextNode(content);
}

/** A text with its entities read. A parsed document is not shown, so nothing in it is fetched. */
function unescaped(content: string): string {
  if (!/&#?\w+;/.test(content)) {
    return content;
  }
  const inert = content.replace(/</g, '&lt;');
  return (
    new DOMParser().parseFromString(`<body><pre>${inert}</pre>`, 'text/html').body.textContent ??
    content
  );
}
