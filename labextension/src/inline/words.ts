import { IRestored, lost } from '../notebook/masked';

/** Where a proposal is. */
export type Phase = 'idle' | 'asking' | 'queued' | 'thinking' | 'writing' | 'ready' | 'failed';

/** How the keys are called here, as bound now; empty where nothing is bound. */
export interface IKeys {
  accept: string;
  cancel: string;
}

const PATIENT_S = 30;

/** What is happening, for the line under the field. */
export function happening(phase: Phase, seconds: number, position = 0): string {
  const long = seconds >= PATIENT_S;
  const since = seconds >= 2 ? `, ${Math.floor(seconds)} s` : '';
  switch (phase) {
    case 'asking':
      return long ? `Still waiting for the model${since}` : `Asking${since}`;
    case 'queued':
      return position > 1 ? `Waiting, ${ordinal(position)} in line` : 'Waiting, next in line';
    case 'thinking':
      return `${long ? 'Still thinking' : 'Thinking'}${since}`;
    case 'writing':
      return 'Writing';
    default:
      return '';
  }
}

/** What a finished proposal is, and what can be done with it. */
export function proposed(lines: number, keys: IKeys, edited: boolean, masks = 0): string {
  const count =
    lines === 0
      ? 'Nothing would change.'
      : lines === 1
        ? '1 line changed.'
        : `${lines} lines changed.`;
  const meanwhile = edited ? ' The cell was edited meanwhile; taking this replaces that too.' : '';
  const masked = masks ? ' ••• stands for a secret that was masked.' : '';
  const ways = [
    lines && keys.accept ? `${keys.accept} takes it` : '',
    keys.cancel ? `${keys.cancel} gives it back` : ''
  ].filter(way => way);
  return `${count}${meanwhile}${masked}${ways.length ? ` ${ways.join(', ')}.` : ''}`;
}

/** A failure as one line: what happened and what to do next. */
export function failed(message: string, hint: string | null): string {
  return hint ? `${message} ${hint}` : message;
}

/** Why a proposal is not taken that would lose a secret. */
export function lostBy(made: IRestored): string {
  return `${lost(made)} Taking this would lose it: ask in other words, or select a part without it.`;
}

function ordinal(n: number): string {
  const teen = n % 100 > 10 && n % 100 < 14;
  return `${n}${teen ? 'th' : (['th', 'st', 'nd', 'rd'][n % 10] ?? 'th')}`;
}
