import type { ILoad } from '../server/models';

/** What is happening to an answer. The last four are ends. */
export type Phase =
  | 'sending'
  | 'joining'
  | 'lost'
  | 'waiting'
  | 'loading'
  | 'queued'
  | 'thinking'
  | 'writing'
  | 'stopping'
  | 'done'
  | 'stopped'
  | 'interrupted'
  | 'failed';

/** Why an answer has no end, where nothing will bring it any more. */
export const INTERRUPTED = 'Interrupted: the server ended before the answer did.';

/** What is said of a question that was stopped before the server told that it has it. */
export const UNHEARD = 'Stopped before the server confirmed the question.';

const ENDS: readonly Phase[] = ['done', 'stopped', 'interrupted', 'failed'];

/** Made once: a number that makes its own costs a millisecond. */
const COUNT = new Intl.NumberFormat('en');

/** After this many seconds a wait changes its words. */
const LONG_WAIT = 30;

export function isOver(phase: Phase): boolean {
  return ENDS.includes(phase);
}

/** What is happening, in words; `seconds` is how long this phase has lasted, `pause` how long it will. */
export function phaseWords(
  phase: Phase,
  seconds: number,
  position: number,
  load: ILoad | null = null,
  pause = 0
): string {
  const lasted = seconds >= 1 ? `, ${duration(seconds)}` : '';
  const long = seconds >= LONG_WAIT;
  switch (phase) {
    case 'sending':
      return long ? `Jupyter has not answered yet${lasted}` : `Sending${lasted}`;
    case 'joining':
      return `Finding the answer again${lasted}`;
    case 'lost': {
      const left = Math.ceil(pause - seconds);
      return `Lost the connection, trying again${left > 0 ? ` in ${duration(left)}` : ''}`;
    }
    case 'waiting':
      return long
        ? `Still waiting${lasted}. A large model takes a while to start`
        : `Waiting for the first word${lasted}`;
    case 'loading':
      return `${long ? 'Still loading' : 'Loading'} ${load?.name ?? 'the model'}${percent(load)}`;
    case 'queued':
      return position <= 1
        ? `Waiting, next in line${lasted}`
        : `Waiting, ${ordinal(position)} in line${lasted}`;
    case 'thinking':
      return long ? `Still thinking${lasted}` : `Thinking${lasted}`;
    case 'writing':
      return `Writing${lasted}`;
    case 'stopping':
      return 'Stopping';
    case 'stopped':
      return 'Stopped by you';
    case 'interrupted':
      return 'Interrupted';
    case 'failed':
    case 'done':
      return '';
  }
}

/** The quiet line under an answer; unknown parts are left out. */
export function figures(parts: {
  model: string | null;
  place: string | null;
  tokens: number | null;
  perSecond: number | null;
  /** US dollars; null where nobody knows. */
  cost?: number | null;
  finish: string | null;
}): string {
  const { model, place, tokens, perSecond, cost, finish } = parts;
  return [
    model,
    model && place,
    tokens === null ? null : `${COUNT.format(tokens)} ${tokens === 1 ? 'token' : 'tokens'}`,
    perSecond === null
      ? null
      : `${perSecond < 10 ? perSecond.toFixed(1) : Math.round(perSecond)}/s`,
    cost ? dollars(cost) : null,
    finish === 'length' ? 'cut at the token limit' : null,
    finish === 'cancelled' ? 'stopped by you' : null
  ]
    .filter(Boolean)
    .join(' · ');
}

/** A price that keeps two digits however small it is: `$0.00042`. */
export function dollars(cost: number): string {
  const digits = cost >= 0.1 ? 2 : Math.min(8, 1 - Math.floor(Math.log10(cost)));
  return `$${cost.toFixed(digits)}`;
}

/** An answer as a screen reader should hear it: code named, not spelled out. */
export function spoken(markdown: string, limit = 600): string {
  const text = markdown
    .replace(
      /^ {0,3}(`{3,}(?!`)|~{3,}(?!~))[^\n]*\n[\s\S]*?(?:^ {0,3}\1|(?![\s\S]))/gm,
      'Code block. '
    )
    // The rule under a table's head, and between parts. A model may repeat one sign for ever: each is seen once.
    .replace(/^(?=[^\n]*--)[ \t|:-]+$/gm, '')
    .replace(/[*_`#>|]/g, '')
    .replace(/\s+/g, ' ')
    .trim();
  return text.length > limit ? `${text.slice(0, limit)}…` : text;
}

/**
 * Where the last sentence of a text that still grows ends; `from` if none has ended since.
 *
 * Inside a code block nothing ends, and neither does a sentence with the number of a list.
 */
export function sentenceEnd(text: string, from: number): number {
  const marks =
    /^ {0,3}(?:```|~~~)[^\n]*(?=\n)|(?<!^\s*\d{1,3})[.!?…][)\]"'*_]*(?=\s)|[。！？]|\n(?=\s*\n)/gm;
  let [end, inCode] = [from, false];
  for (marks.lastIndex = from; ;) {
    const found = marks.exec(text);
    if (!found) {
      return end;
    }
    if (/^ {0,3}[`~]{3}/.test(found[0])) {
      inCode = !inCode;
    }
    if (!inCode) {
      end = marks.lastIndex;
    }
  }
}

function percent(load: ILoad | null): string {
  return load?.progress ? `, ${Math.floor(load.progress * 100)} %` : '';
}

export function duration(seconds: number): string {
  const whole = Math.floor(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

function ordinal(n: number): string {
  const tens = n % 100;
  const suffix = tens > 10 && tens < 14 ? 'th' : (['th', 'st', 'nd', 'rd'][n % 10] ?? 'th');
  return `${n}${suffix}`;
}
