/** How far beyond the view a message is made ready, px. */
const AHEAD = 1200;

/** Tells when an element first comes near what is seen of a scrolling one. */
export class Sight {
  constructor(root: HTMLElement) {
    this._observer = new IntersectionObserver(entries => this._look(entries), {
      root,
      rootMargin: `${AHEAD}px 0px`
    });
  }

  /** Call `near` once, when the element is near. Returns what ends the watch. */
  watch(element: Element, near: () => void): () => void {
    this._watched.set(element, near);
    this._observer.observe(element);
    return () => this._forget(element);
  }

  dispose(): void {
    this._observer.disconnect();
    this._watched.clear();
  }

  private _look(entries: IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting } of entries) {
      const near = this._watched.get(target);
      if (isIntersecting && near) {
        this._forget(target);
        near();
      }
    }
  }

  private _forget(element: Element): void {
    this._watched.delete(element);
    this._observer.unobserve(element);
  }

  private _observer: IntersectionObserver;
  private _watched = new Map<Element, () => void>();
}
