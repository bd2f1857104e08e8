/** Markdown cut where what stands before can no longer change by what is still to come. */
export interface IBlocks {
  finished: string[];
  /** The open end, parsed anew with each piece that arrives. */
  tail: string;
}

/**
 * Split Markdown into finished top-level blocks and the open tail.
 *
 * An answer is rendered block by block so that a long one costs no more per piece than a short one. Fences, display
 * math and lists are never cut.
 */
export function splitBlocks(markdown: string): IBlocks {
  const finished: string[] = [];
  let block = '';
  let fence = '';
  let math = false;
  let blank = false;
  // Blank lines before a block: together, the blocks and the tail are the whole text.
  let lead = '';
  const close = () => {
    if (block.trim()) {
      finished.push(lead + block);
      lead = '';
    } else {
      lead += block;
    }
    block = '';
    blank = false;
  };
  for (const line of markdown.match(/[^\n]*\n|[^\n]+$/g) ?? []) {
    const whole = line.endsWith('\n');
    if (fence) {
      block += line;
      if (whole && closes(line, fence)) {
        const atMargin = !/^\s/.test(block);
        fence = '';
        if (atMargin && FENCE.test(block.split('\n', 1)[0])) {
          close();
        }
      }
      continue;
    }
    if (math) {
      block += line;
      math = !/\$\$\s*$|\\\]\s*$/.test(line);
      continue;
    }
    const mark = FENCE.exec(line);
    const opens = mark !== null && whole;
    if ((opens && !line.startsWith(' ')) || (blank && startsAnew(line, whole, isList(block)))) {
      close();
    }
    if (opens) {
      fence = mark[1];
    } else if (/^\s*(\$\$|\\\[)/.test(line)) {
      math = !/\S.*(\$\$|\\\])\s*$/.test(line.replace(/^\s*(\$\$|\\\[)/, ''));
    }
    blank = !line.trim();
    block += line;
  }
  return { finished, tail: lead + block };
}

/** Whether the text defines link targets, which may be used in any other block. */
export function definesLinks(markdown: string): boolean {
  return /^ {0,3}\[[^\]\n]+\]:[ \t]*\S/m.test(markdown);
}

const FENCE = /^\s*(?:[-*+]\s+|\d+[.)]\s+)?(`{3,}(?=[^`]*$)|~{3,})/;

function closes(line: string, fence: string): boolean {
  const mark = /^\s*(`{3,}|~{3,})\s*$/.exec(line);
  return mark !== null && mark[1].startsWith(fence);
}

function isList(block: string): boolean {
  return /^\s*([-*+]|\d+[.)])\s/.test(block);
}

/** Whether a line after a blank one begins a new block; an unfinished line is given the benefit of the doubt. */
function startsAnew(line: string, whole: boolean, list: boolean): boolean {
  if (!line.trim() || /^\s/.test(line)) {
    return false;
  }
  if (list) {
    return whole ? !/^([-*+]|\d+[.)])\s/.test(line) : !/^([-*+\d])/.test(line);
  }
  return true;
}
