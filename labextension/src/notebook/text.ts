/** The most of one cell or traceback that goes with a question, in characters. */
export const CONTEXT_LIMIT = 4000;

/** The same of a traceback, which the server leaves without the frames of libraries. */
export const ERROR_LIMIT = 40_000;

/** Remove terminal colours and other escape sequences. */
export function withoutAnsi(text: string): string {
  return text.replace(
    /\u001b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g,
    ''
  );
}

/** Cut to the limit: a traceback says what happened at its end, a cell what it is at its start. */
export function trimmed(text: string, keep: 'start' | 'end', limit = CONTEXT_LIMIT): string {
  if (text.length <= limit) {
    return text;
  }
  const mark = '\n[…]\n';
  return keep === 'start'
    ? text.slice(0, limit - mark.length) + mark
    : mark + text.slice(text.length - limit + mark.length);
}

/** Whether running this source asks Tether something. */
export function asksTether(source: string): boolean {
  return /^\s*%%tether\b/.test(source) || /^\s*%tether\b/m.test(source);
}

export interface IMention {
  /** Counted from 1, as people count cells. */
  cell?: number;
  thisCell?: boolean;
  lastError?: boolean;
}

/** What of the notebook the words name outright. */
export function mentions(words: string): IMention {
  const numbered = /\bcell\s+(\d{1,4})\b/i.exec(words);
  return {
    cell: numbered ? Number(numbered[1]) : undefined,
    thisCell: /\b(this|the (current|active|selected)) cell\b/i.test(words),
    lastError: /\b(this|the|that|my|last) (last )?(error|exception|traceback)\b/i.test(words)
  };
}
