import { element, morph } from './dom';
import { blocksOf, rendered } from './markdown';

/** The shortest time between two renderings, ms. */
const PACE_MS = 40;
const SLOWEST_MS = 1000;
/** Rendering may take one part in this many of the time. */
const SHARE = 4;
const DEFINES_LINKS = /^ {0,3}\[[^\]\n]+\]:/m;

/** An answer's text on screen: finished blocks rendered once, the open end again and again. */
export class AnswerText {
  readonly node = element('div', 'tw-text');

  /** Show a text, which only ever grows until it is `over`; `drawn` is called when it stands there. */
  show(text: string, over: boolean, drawn: () => void): void {
    this._text = text;
    this._over = over;
    this._drawn = drawn;
    if (over) {
      clearTimeout(this._timer);
      this._timer = undefined;
      this._render();
    } else {
      this._timer ??= setTimeout(
        () => {
          this._timer = undefined;
          this._render();
        },
        Math.max(0, this._pace - (performance.now() - this._last))
      );
    }
  }

  dispose(): void {
    clearTimeout(this._timer);
  }

  private _render(): void {
    const started = performance.now();
    if (this._over && (DEFINES_LINKS.test(this._text) || !this._done)) {
      // What is defined at the end holds from the beginning.
      morph(this.node, rendered(this._text));
    } else {
      this._advance();
    }
    this._last = performance.now();
    this._pace = Math.min(Math.max(PACE_MS, SHARE * (this._last - started)), SLOWEST_MS);
    this._drawn();
  }

  private _advance(): void {
    const rest = this._text.slice(this._done);
    const settled = this._over ? rest.length : settledLength(rest);
    const open = rendered(rest.slice(settled));
    const all = rendered(rest.slice(0, settled));
    const count = all.childNodes.length;
    all.append(open);
    // The settled blocks stand before `_tail`; only what follows is compared.
    morph(this.node, all, this._tail);
    this._tail += count;
    this._done += settled;
  }

  private _text = '';
  private _over = false;
  private _drawn: () => void = () => undefined;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _last = 0;
  private _pace = PACE_MS;
  /** Characters in settled blocks, and how many nodes those are. */
  private _done = 0;
  private _tail = 0;
}

/** How much of a text will not be rendered differently any more, whatever follows. */
function settledLength(text: string): number {
  let blocks;
  try {
    blocks = blocksOf(text);
  } catch {
    return 0;
  }
  // A block ends where the next one has begun; blank lines alone may still belong to a list or to code.
  let last = blocks.length - 1;
  while (last >= 0 && blocks[last].type === 'space') {
    last -= 1;
  }
  const lengths = blocks.map(block => block.raw.length);
  const whole = lengths.reduce((sum, length) => sum + length, 0);
  const settled = lengths.slice(0, Math.max(last, 0)).reduce((sum, length) => sum + length, 0);
  // Where the parser has rewritten something, its lengths are not the text's.
  return whole === text.length ? settled : 0;
}
