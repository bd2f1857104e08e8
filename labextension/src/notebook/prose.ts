/** Where a sentence ends, in any script, and what may close after it. */
const END = /[.!?…。！？｡؟۔।][)\]"'”’»」』）]*$/;
/** A sentence that goes on, on the next line or in a list. */
const ON = /[:,、，：]$/;
/** A word of a sentence with the marks around it: no name with an underscore, no call, no operator. */
const WORD =
  /^["'“‘«(¿¡（「]*\p{L}[\p{L}\p{M}’'-]*["'”’»)）」]*[.,;:!?…，。、；：！？]*["'”’»)）」]*$/u;
/** What begins a line of code, whatever words follow: a comment, a magic, a string of several lines. */
const CODE_BEGINS = /^(?:#|%|!|@|\/\/|\/\*|--|<[!\w/]|"""|''')/;
/** A comment behind code, which is a sentence often enough. */
const COMMENT = /\s(?:#|\/\/)|"""|'''/;
/** Signs that a sentence has only where it speaks of code. */
const SIGNS = /[=<>{}[\]\\|;]|\w\(/;
/** IPython's way to ask for help on a name. */
const ASKS_HELP = /^\S+\?$/;
const BEGINS = /^(?:• )?(?:["'“‘«(¿¡（「]*[\p{Lu}\p{Lo}]|it\b)/u;
const POINT = /^(?:[-*•]|\d+[.)])\s+/;

/**
 * Whether all of a text is words, such as a refusal or a question, rather than code.
 *
 * Sentences may be of any language, and may name what is in the code or stand beside a bracket. One line that can be
 * no sentence makes the text code: who asks again has lost less than who takes words for a cell.
 */
export function isProse(text: string): boolean {
  const lines = text
    .split('\n')
    .map(line => line.trim())
    .filter(line => line);
  if (!lines.length || lines.some(line => CODE_BEGINS.test(line))) {
    return false;
  }
  const bare = lines.map(bareOf);
  const kinds = bare.map(kindOf);
  const ends = kinds[kinds.length - 1] !== 'part';
  const said = kinds.includes('sentence');
  return BEGINS.test(bare[0]) && ends && said && kinds.every(Boolean);
}

/** A line without what is no word of it: its mark in a list, code that is quoted, strings. */
function bareOf(line: string): string {
  return line
    .replace(/^["“]([^"”]*)["”]$/, '$1')
    .replace(POINT, '• ')
    .replace(/`[^`]*`/g, 'it')
    .replace(/"[^"]*"|“[^”]*”|(?<![\p{L}\p{N}])'[^']*'(?![\p{L}\p{N}])/gu, '_')
    .replace(/[*_]{2}/g, '');
}

/** What a line of words is: the end of a sentence, another part of one, a point of a list; null for code. */
function kindOf(line: string): 'sentence' | 'part' | 'point' | null {
  if (COMMENT.test(line)) {
    return null;
  }
  const tokens = line.replace(/^• /, '').split(/\s+/);
  const words = tokens.filter(each => WORD.test(each)).length;
  // Scripts without capitals may write a whole sentence without a space, and without an end.
  const others = (line.match(/\p{Lo}/gu) ?? []).length;
  const many = others > 3 || (words > 2 && 2 * words >= tokens.length);
  const plain = words === tokens.length && !ASKS_HELP.test(line);
  const foreign =
    others > 8 && tokens.length > 1 && /^[^\p{ASCII}]+(?: [^\p{ASCII}]+)+$/u.test(line);
  if (foreign || (END.test(line) && (many || plain))) {
    return 'sentence';
  }
  if (SIGNS.test(line)) {
    return null;
  }
  if (ON.test(line) && many && BEGINS.test(line)) {
    return 'sentence';
  }
  return line.startsWith('• ') ? 'point' : many ? 'part' : null;
}
