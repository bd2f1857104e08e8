/** How full the model's window is. */
export interface IFullness {
  used: number;
  window: number;
  percent: number;
  /** `full` where a question would not fit, `high` from nine tenths on. */
  state: 'low' | 'high' | 'full';
  words: string;
}

/** Nine tenths of a window are enough to say so. */
const HIGH = 90;

/** `ahead`: the figures are those of the question that is being written, with all that is before it. */
export function fullness(
  used: number | null,
  window: number | null,
  ahead = false
): IFullness | null {
  if (used === null || !window) {
    return null;
  }
  const percent = Math.round((used / window) * 100);
  const state = used >= window ? 'full' : percent >= HIGH ? 'high' : 'low';
  const figures = `${ahead ? 'with this question ' : ''}${used.toLocaleString('en')} of the ${window.toLocaleString('en')} tokens that the model can take`;
  return {
    used,
    window,
    percent,
    state,
    words:
      state === 'full'
        ? `The window is full: ${figures}. Begin a new conversation, or take something away.`
        : state === 'high'
          ? `Nearly full: ${figures}.`
          : `${figures[0].toUpperCase()}${figures.slice(1)}.`
  };
}

/** Tokens as a short figure: `812`, `1.3k`, `32k`. */
export function short(tokens: number): string {
  return tokens < 1000
    ? String(tokens)
    : `${(tokens / 1000).toFixed(tokens < 9950 ? 1 : 0).replace(/\.0$/, '')}k`;
}
