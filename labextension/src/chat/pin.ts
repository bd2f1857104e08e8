/** How near the end counts as at the end, px. */
const AT_END = 32;

/** What stays free above an element that was gone to, px. */
const EDGE = 16;

/** What a reader scrolls with, and how long after it a movement is the reader's, ms. */
const TOUCHES = ['wheel', 'keydown', 'pointerdown', 'touchmove'];
const TOUCH_MS = 800;

/** Keeps a scrolling element at its end while its reader is there, and where the reader is otherwise. */
export class Pin {
  /** The element's first child holds all that scrolls. `onAway` hears whether the reader has left the end. */
  constructor(
    private _scroller: HTMLElement,
    private _onAway: (away: boolean) => void
  ) {
    this._observer.observe(_scroller);
    this._observer.observe(_scroller.firstElementChild as Element);
    _scroller.addEventListener('scroll', this._onScroll, { passive: true });
    TOUCHES.forEach(type => _scroller.addEventListener(type, this._onTouch, { passive: true }));
    window.addEventListener('pointerup', this._onRelease);
    this._pin(true);
  }

  /**
   * Bring an element into view and hold it there, whatever grows around it, until its reader moves. Of a long one
   * `inner` says what of it is to be seen.
   */
  toElement(element: HTMLElement, inner: () => DOMRect | null = () => null): void {
    this._held = element;
    this._inner = inner;
    this._pinned = false;
    this._scroller.classList.remove('tether-mod-pinned');
    this._follow();
    this._onAway(this._left > AT_END);
  }

  /** What is held may stand elsewhere in its element. */
  again(): void {
    this._follow();
  }

  /** Go to the end, and stay there. */
  toEnd(): void {
    this._held = null;
    this._pin(true);
    this._follow();
  }

  dispose(): void {
    this._observer.disconnect();
    this._scroller.removeEventListener('scroll', this._onScroll);
    TOUCHES.forEach(type => this._scroller.removeEventListener(type, this._onTouch));
    window.removeEventListener('pointerup', this._onRelease);
  }

  private _pin(to: boolean): void {
    this._pinned = to;
    // Away from the end, the browser holds still what is being read.
    this._scroller.classList.toggle('tether-mod-pinned', to);
    this._onAway(!to);
  }

  private _follow = (): void => {
    const scroller = this._scroller;
    if (this._held?.isConnected) {
      const { top, height } = this._held.getBoundingClientRect();
      // What is long begins at the top; what is short has a little before it.
      const room = Math.max(EDGE, (scroller.clientHeight - height) / 3);
      const inner = this._inner();
      const isDeep = inner && room + inner.bottom - top > scroller.clientHeight - EDGE;
      const [from, above] = isDeep ? [inner.top, scroller.clientHeight / 3] : [top, room];
      scroller.scrollTop += from - scroller.getBoundingClientRect().top - above;
      this._onAway(this._left > AT_END);
    } else if (this._pinned) {
      scroller.scrollTop = scroller.scrollHeight;
    }
    this._remember();
  };

  /** How far the end is, px. */
  private get _left(): number {
    const { scrollHeight, clientHeight, scrollTop } = this._scroller;
    return scrollHeight - clientHeight - scrollTop;
  }

  private _remember(): void {
    this._top = this._scroller.scrollTop;
    this._height = this._scroller.scrollHeight;
    this._room = this._scroller.clientHeight;
  }

  private _onScroll = (): void => {
    const scroller = this._scroller;
    const left = this._left;
    if (this._held) {
      this._onAway(left > AT_END);
      this._remember();
      return;
    }
    // Nothing was laid out anew: a search in the page, say, or a screen reader, moves the view for its reader.
    const isStill = scroller.scrollHeight === this._height && scroller.clientHeight === this._room;
    const byReader = performance.now() - this._touched < TOUCH_MS || (isStill && left > AT_END);
    // The browser moves the view too, when content shrinks.
    const up = scroller.scrollTop < this._top - 1 && scroller.scrollHeight >= this._height;
    if (byReader && up) {
      this._pin(left <= 1);
    } else if (left <= AT_END && !this._pinned) {
      this._pin(true);
    }
    if (this._pinned && !byReader) {
      scroller.scrollTop = scroller.scrollHeight;
    }
    this._remember();
  };

  private _onTouch = (event: Event): void => {
    this._held = null;
    // A scroll bar is held for as long as it takes.
    this._touched = event.type === 'pointerdown' ? Infinity : performance.now();
    // Scrolling is animated: unpinned later, it would be undone by the next piece of the answer.
    if (event instanceof WheelEvent && event.deltaY < 0 && this._scroller.scrollTop > 0) {
      this._pin(false);
    }
  };

  private _onRelease = (): void => {
    if (this._touched === Infinity) {
      this._touched = performance.now();
    }
  };

  private _observer = new ResizeObserver(this._follow);
  private _pinned = true;
  /** What was gone to, until its reader moves. */
  private _held: HTMLElement | null = null;
  private _inner: () => DOMRect | null = () => null;
  private _touched = -TOUCH_MS;
  private _top = 0;
  private _height = 0;
  private _room = 0;
}
