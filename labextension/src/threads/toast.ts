import { ISignal, Signal } from '@lumino/signaling';

/** How long a toast stays, ms, unless the pointer or the focus is on it. */
const SHOWN_MS = 10_000;

/** What can hold a toast. Each leaves it by itself. */
type Holder = 'pointer' | 'focus';

/** Something that was done or went wrong, and how to take it back. */
export interface INote {
  words: string;
  undo: (() => void | Promise<void>) | null;
}

/** The one toast of a place: a newer one takes the place of an older. */
export class Toast {
  get note(): INote | null {
    return this._note;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  say(words: string, undo: INote['undo'] = null): void {
    this._note = { words, undo };
    this._wait();
    this._changed.emit();
  }

  clear(): void {
    clearTimeout(this._timer);
    this._holders.clear();
    this._note = null;
    this._changed.emit();
  }

  /** Take back what the toast tells of. */
  async undo(): Promise<void> {
    const undo = this._note?.undo;
    if (undo) {
      this.clear();
      await undo();
    }
  }

  /** Stay while somebody is at it. */
  hold(by: Holder): void {
    this._holders.add(by);
    clearTimeout(this._timer);
  }

  release(by: Holder): void {
    if (this._holders.delete(by)) {
      this._wait();
    }
  }

  private _wait(): void {
    clearTimeout(this._timer);
    if (!this._holders.size) {
      this._timer = setTimeout(() => this.clear(), SHOWN_MS);
    }
  }

  private _note: INote | null = null;
  private _holders = new Set<Holder>();
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _changed = new Signal<this, void>(this);
}
