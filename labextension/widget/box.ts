import { element } from './dom';

const MOST_LINES = 8;

/** Put words before others, with an empty line between them; without one of the two, the other alone. */
export function joined(words: string, others: string): string {
  return [words, others].filter(each => each.trim()).join('\n\n');
}

/** Where a question is typed: it grows with its words. */
export class Box {
  /** `onInput` hears of every change of the words or of their height. */
  constructor(private _onInput: () => void) {
    const { node } = this;
    node.rows = 1;
    node.placeholder = 'Ask about this notebook';
    node.setAttribute('aria-label', 'Your question');
    node.addEventListener('input', () => this._grow());
  }

  readonly node = element('textarea');

  get words(): string {
    return this.node.value.trim();
  }

  focus(): void {
    this.node.focus();
  }

  fill(text: string): void {
    this.node.value = text;
    this._grow();
  }

  /** Put words that come back before what has been typed since. */
  giveBack(words: string): void {
    this.fill(joined(words, this.node.value));
  }

  /** Its place may have another width. */
  resized(): void {
    if (this.node.clientWidth !== this._width) {
      this._width = this.node.clientWidth;
      this._grow();
    }
  }

  private _grow(): void {
    const { style } = this.node;
    style.height = 'auto';
    const line = parseFloat(getComputedStyle(this.node).lineHeight) || 21;
    const wanted = this.node.scrollHeight;
    // Where it is not on the page yet, it has no height: the observer comes back to it.
    style.height = wanted ? `${Math.min(wanted, line * MOST_LINES + 16)}px` : 'auto';
    this._onInput();
  }

  private _width = 0;
}
