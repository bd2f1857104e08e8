import { sessionStore, WordStore } from '../composer/draft';

const KEY = 'tether:front';

/** A conversation that was chosen instead of its notebook's own. */
interface IFront {
  /** The notebook that it stands in front of, or null. */
  path: string | null;
  conversation: string;
}

/** Which conversation is in front, for as long as the tab lives: a reload brings it there again. */
export class Front {
  constructor(private _store: WordStore | null = sessionStore()) {
    this._left = this._read();
  }

  /** One was chosen while this notebook is open. */
  keep(path: string | null, conversation: string): void {
    this._left = null;
    this._kept = { path, conversation };
    this._write();
  }

  /** The notebook's own is in front, as the user wants it. */
  clear(): void {
    this._left = null;
    this._kept = null;
    this._write();
  }

  /** Another notebook came to the front. Returns what stood there when the page was left, once. */
  follow(path: string | null): string | null {
    if (this._left === null) {
      this._kept = null;
      this._write();
    } else if (this._left.path === path) {
      const { conversation } = this._left;
      this.keep(path, conversation);
      return conversation;
    }
    // JupyterLab opens several notebooks at its start; the one that is meant may still come.
    return null;
  }

  rename(from: string, to: string): void {
    if (this._kept?.path === from) {
      this.keep(to, this._kept.conversation);
    }
  }

  private _read(): IFront | null {
    try {
      const found = JSON.parse(this._store?.getItem(KEY) ?? 'null') as Partial<IFront> | null;
      const { path, conversation } = found ?? {};
      const named = path === null || typeof path === 'string';
      return named && typeof conversation === 'string' ? { path, conversation } : null;
    } catch {
      return null;
    }
  }

  private _write(): void {
    try {
      if (this._kept) {
        this._store?.setItem(KEY, JSON.stringify(this._kept));
      } else {
        this._store?.removeItem(KEY);
      }
    } catch {
      // A full or forbidden store: after a reload the notebook's own is in front.
    }
  }

  /** What was in front when the page was left, until its notebook is there. */
  private _left: IFront | null;
  private _kept: IFront | null = null;
}
