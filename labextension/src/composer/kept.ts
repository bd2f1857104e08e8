import type { WordStore } from './draft';

/** One thing of a conversation that outlives a reload, under the conversation's name. */
export class Kept {
  constructor(
    private _prefix: string,
    private _store: WordStore | null
  ) {}

  /** Keep it under this name for as long as the tab lives. Under another than before, `take` has what is there. */
  keepAs(name: string, take: (found: unknown) => void): void {
    const key = this._prefix + name;
    if (key !== this._key) {
      if (this._key) {
        this._store?.removeItem(this._key);
      }
      this._key = key;
      take(this._read());
    }
  }

  /** Keep this, or where there is no room for it at least that; what is empty leaves nothing behind. */
  put(what: object, least: object = {}): void {
    if (!this._key) {
      return;
    }
    for (const each of [what, least]) {
      try {
        // What was there is no longer true, also where the store has no room for what is.
        this._store?.removeItem(this._key);
        if (Object.keys(each).length) {
          this._store?.setItem(this._key, JSON.stringify(each));
        }
        return;
      } catch {
        // A full or forbidden store: a reload forgets it.
      }
    }
  }

  private _read(): unknown {
    try {
      return JSON.parse(this._store?.getItem(this._key) ?? 'null');
    } catch {
      return null;
    }
  }

  private _key = '';
}
