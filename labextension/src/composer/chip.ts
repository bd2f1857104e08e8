import type { IContext } from '../server/request';

/** The most of one cell, selection or error that goes along, in characters. */
export const PIECE_LIMIT = 4000;

/** Something that goes with a question: a variable, which the server looks up, or a text as it stands. */
export interface IChip {
  readonly key: string;
  readonly kind: IContext['kind'];
  readonly name: string;
  /** A variable has none: the server describes it, at the level that is allowed. */
  readonly text: string | null;
  /** How many characters it had before it was cut; null if it is whole. */
  readonly of: number | null;
  /** What a kernel told of it, where it came as data. */
  readonly data?: Record<string, unknown>;
  /** The level at which it was looked at, where an earlier question had it. */
  readonly level?: IContext['level'];
}

export function variableChip(name: string): IChip {
  return { key: `variable ${name}`, kind: 'variable', name, text: null, of: null };
}

/** Make a chip of a text, cut to the limit: an error says what happened at its end, all else at its start. */
export function textChip(
  kind: Exclude<IContext['kind'], 'variable'>,
  name: string,
  text: string,
  limit = PIECE_LIMIT
): IChip {
  const cut = text.length > limit;
  return {
    key: `${kind} ${name}`,
    kind,
    name,
    text: cut ? shortened(text, kind === 'error', limit) : text,
    of: cut ? text.length : null
  };
}

/** Make a chip of a piece of context as another part of Tether hands it over. */
export function chipOf(piece: IContext): IChip {
  const { kind, name, text, data, level } = piece;
  return { key: `${kind} ${name}`, kind, name, text: text ?? null, of: null, data, level };
}

/** What goes into the request; null for a variable that the server looks up. */
export function pieceOf(chip: IChip): IContext | null {
  const { kind, name, text, data, level } = chip;
  if (data) {
    return { kind, name, data };
  }
  return text === null ? null : { kind, name, text, ...(level && { level }) };
}

/** Why the text is not the whole of it, in words. */
export function cutWords(chip: IChip): string | null {
  return chip.of === null
    ? null
    : `Cut: ${(chip.text ?? '').length.toLocaleString('en')} of ${chip.of.toLocaleString('en')} characters go along.`;
}

function shortened(text: string, keepEnd: boolean, limit: number): string {
  const mark = '\n[…]\n';
  const room = limit - mark.length;
  return keepEnd ? mark + text.slice(text.length - room) : text.slice(0, room) + mark;
}
