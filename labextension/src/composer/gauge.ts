import type { IPreview } from '../server/preview';

/** How full the model's window is. */
export interface IFullness {
  used: number;
  window: number;
  percent: number;
  /** `full` where a question would not fit, `high` from nine tenths of what the answer leaves on. */
  state: 'low' | 'high' | 'full';
  words: string;
}

/** Nine tenths of a window are enough to say so. */
const HIGH = 90;

/** What the server told of the room that a question has. */
type Room = Pick<IPreview, 'tokens' | 'needed' | 'room'>;

const count = (tokens: number) => tokens.toLocaleString('en');

/**
 * How full the window is.
 *
 * @param ahead - The figures are those of the question that is being written, with all that is before it.
 * @param told - What the server told of the room for it.
 */
export function fullness(
  used: number | null,
  window: number | null,
  ahead = false,
  told: Room | null = null
): IFullness | null {
  if (used === null || !window) {
    return null;
  }
  const percent = Math.round((used / window) * 100);
  const room = told?.room ?? window;
  const over = told && overflow(told);
  const full = told && told.room !== null ? told.needed > told.room : used >= window;
  const high = over || Math.round((used / room) * 100) >= HIGH;
  const figures = `${ahead ? 'with this question ' : ''}${count(used)} of the ${count(window)} tokens that the model can take`;
  const kept = room < window ? `, ${count(window - room)} of which are kept for the answer` : '';
  return {
    used,
    window,
    percent,
    state: full ? 'full' : high ? 'high' : 'low',
    words:
      over ??
      (full
        ? `The window is full: ${figures}. Begin a new conversation, or take something away.`
        : high
          ? `Nearly full: ${figures}${kept}.`
          : `${figures[0].toUpperCase()}${figures.slice(1)}.`)
  };
}

/** What becomes of a question for which there is not enough room, in words; null where there is. */
export function overflow({ tokens, needed, room }: Room): string | null {
  if (room === null || tokens <= room) {
    return null;
  }
  return needed > room
    ? `The window is full: this question and what goes along have ${count(needed)} tokens, and the model reads ${count(room)}. Shorten it, or take something away.`
    : `The beginning of the conversation stays behind: with this question it has ${count(tokens)} tokens, and the model reads ${count(room)}.`;
}

/** Tokens as a short figure: `812`, `1.3k`, `32k`. */
export function short(tokens: number): string {
  return tokens < 1000
    ? String(tokens)
    : `${(tokens / 1000).toFixed(tokens < 9950 ? 1 : 0).replace(/\.0$/, '')}k`;
}
