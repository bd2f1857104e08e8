import type { IAsk } from '../chat/ask';
import { sessionStore, WordStore } from './draft';
import { Kept } from './kept';

/** What waits until the answer under way is over, the next one first; a reload loses none of it. */
export class Waiting {
  constructor(store: WordStore | null = sessionStore()) {
    this._kept = new Kept('tether:queued:', store);
  }

  /** After a reload nothing is asked by itself: whoever typed it may not even have seen it again. */
  isHeld = false;

  get asks(): readonly IAsk[] {
    return this._asks;
  }

  add(ask: IAsk): void {
    this._set([...this._asks, ask]);
  }

  remove(ask: IAsk): void {
    this._set(this._asks.filter(each => each !== ask));
  }

  /** Take all of it away, and return it. */
  take(): readonly IAsk[] {
    const asks = this._asks;
    this._set([]);
    return asks;
  }

  /** Keep it under this name for as long as the tab lives, behind what was kept there. */
  keepAs(name: string): void {
    this._kept.keepAs(name, found => {
      const back = Array.isArray(found) ? found.filter(isAsk) : [];
      this.isHeld ||= back.length > 0;
      this._set([...back, ...this._asks]);
    });
  }

  private _set(asks: readonly IAsk[]): void {
    this._asks = asks;
    this._kept.put(asks);
  }

  private _asks: readonly IAsk[] = [];
  private _kept: Kept;
}

function isAsk(found: unknown): found is IAsk {
  const { words, context, attachments, options } = (found ?? {}) as Partial<IAsk>;
  const lists = Array.isArray(context) && Array.isArray(attachments);
  return typeof words === 'string' && lists && typeof options === 'object' && options !== null;
}
