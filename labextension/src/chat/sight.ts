/** How far beyond the view a message is made ready, px. */
const AHEAD = 1200;
/** The shortest time between two looks, ms. */
const PACE_MS = 50;

/**
 * Tells when an element first comes near what is seen of a scrolling one, whose only child has parts that have such
 * elements.
 *
 * The browser's own observer measures every element that it watches in each frame: with a thousand messages
 * that takes longer than all else that a streamed answer needs. Here a few are measured, as they lie in order.
 */
export class Sight {
  constructor(private _root: HTMLElement) {
    _root.addEventListener('scroll', this._later, { passive: true });
    _root.addEventListener('contentvisibilityautostatechange', this._later);
    this._sizes = new ResizeObserver(this._later);
    this._sizes.observe(_root);
  }

  /** Call `near` once, when the element is near. Returns what ends the watch. */
  watch(element: Element, near: () => void): () => void {
    this._watched.set(element, near);
    this._later();
    return () => this._watched.delete(element);
  }

  dispose(): void {
    window.clearTimeout(this._timer);
    this._root.removeEventListener('scroll', this._later);
    this._root.removeEventListener('contentvisibilityautostatechange', this._later);
    this._sizes.disconnect();
    this._watched.clear();
  }

  private _later = (): void => {
    if (!this._timer && this._watched.size) {
      const wait = PACE_MS - (performance.now() - this._last);
      this._timer = window.setTimeout(this._look, Math.max(wait, 0));
    }
  };

  private _look = (): void => {
    this._timer = 0;
    this._last = performance.now();
    const list = this._root.firstElementChild;
    const view = this._root.getBoundingClientRect();
    if (!list || !view.height) {
      return;
    }
    // What becomes longer or shorter above the view moves what is in it.
    this._sizes.observe(list);
    const [top, bottom] = [view.top - AHEAD, view.bottom + AHEAD];
    let found = false;
    for (const part of between(list.children, top, bottom)) {
      // Of a part that the browser leaves alone, nobody knows where what is in it will be.
      if (part.firstElementChild?.checkVisibility({ contentVisibilityAuto: true })) {
        for (const each of between(part.children, top, bottom)) {
          const near = this._watched.get(each);
          this._watched.delete(each);
          near?.();
          found ||= near !== undefined;
        }
      }
    }
    if (found) {
      // Drawn, they may be shorter, and bring others near.
      this._later();
    }
  };

  private _watched = new Map<Element, () => void>();
  private _sizes: ResizeObserver;
  private _timer = 0;
  private _last = -PACE_MS;
}

/** Those of some elements, which lie from top to bottom, that are between two heights. */
function between(all: HTMLCollection, top: number, bottom: number): Element[] {
  let [low, high] = [0, all.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (all[middle].getBoundingClientRect().bottom < top) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  const found: Element[] = [];
  for (; low < all.length && all[low].getBoundingClientRect().top <= bottom; low++) {
    found.push(all[low]);
  }
  return found;
}
