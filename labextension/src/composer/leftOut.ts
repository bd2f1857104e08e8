import { sessionStore, WordStore } from './draft';

const PREFIX = 'tether:left-out:';
/** So many are kept of a conversation: the newest. */
const MOST = 100;

/** What of the notebook is left out of a conversation, whatever words name it; a reload does not forget it. */
export class LeftOut {
  constructor(private _store: WordStore | null = sessionStore()) {}

  has(key: string): boolean {
    return this._keys.includes(key);
  }

  add(key: string): void {
    this._keys = newest([...this._keys, key]);
    this._keep();
  }

  /** Forget it all: a new conversation begins. */
  clear(): void {
    this._keys = [];
    this._keep();
  }

  /** Keep it under this name for as long as the tab lives, with what was kept there. */
  keepAs(name: string): void {
    const key = PREFIX + name;
    if (key === this._key) {
      return;
    }
    if (this._key) {
      this._store?.removeItem(this._key);
    }
    this._key = key;
    this._keys = newest([...read(this._store, key), ...this._keys]);
    this._keep();
  }

  private _keep(): void {
    if (!this._key) {
      return;
    }
    try {
      if (this._keys.length) {
        this._store?.setItem(this._key, JSON.stringify(this._keys));
      } else {
        this._store?.removeItem(this._key);
      }
    } catch {
      // A full or forbidden store: a reload forgets it.
    }
  }

  private _keys: string[] = [];
  private _key = '';
}

function newest(keys: string[]): string[] {
  return [...new Set(keys.reverse())].slice(0, MOST).reverse();
}

function read(store: WordStore | null, key: string): string[] {
  try {
    const found: unknown = JSON.parse(store?.getItem(key) ?? '[]');
    return Array.isArray(found) ? found.filter(each => typeof each === 'string') : [];
  } catch {
    return [];
  }
}
