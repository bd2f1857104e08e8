import { PathExt } from '@jupyterlab/coreutils';
import { ISignal, Signal } from '@lumino/signaling';

import { around } from './around';

export interface IEntry {
  /** From the contents root. */
  path: string;
  /** As it is typed, from the notebook's folder; a folder ends in a slash. */
  typed: string;
  folder: boolean;
}

/** The files under the notebook's folder, listed a folder at a time when it is named. */
export class Folders {
  problem: string | null = null;

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Forget what was listed: files come and go. */
  begin(): void {
    this._known.clear();
    this.problem = null;
  }

  /** What is in the folder that `typed` names up to its last slash; empty until it is known. */
  list(home: string, typed: string): readonly IEntry[] {
    const inside = typed.slice(0, typed.lastIndexOf('/') + 1);
    const path = PathExt.join(home, inside).replace(/^\/|\/$/g, '');
    const known = this._known.get(path);
    if (!known) {
      this._known.set(path, []);
      void this._look(path, inside);
      return [];
    }
    return known;
  }

  private async _look(path: string, inside: string): Promise<void> {
    if (!around.contents || /^\.\.(\/|$)/.test(path)) {
      return;
    }
    const known = this._known;
    try {
      const found = await around.contents.get(path, { content: true });
      const content: { name: string; path: string; type: string }[] =
        found.type === 'directory' ? found.content : [];
      known.set(
        path,
        content
          .map(each => ({
            path: each.path,
            typed: inside + each.name + (each.type === 'directory' ? '/' : ''),
            folder: each.type === 'directory'
          }))
          .sort((a, b) => Number(a.folder) - Number(b.folder) || a.typed.localeCompare(b.typed))
      );
      this.problem = null;
    } catch {
      this.problem = `The folder ${inside || 'of the notebook'} could not be listed.`;
    }
    this._changed.emit();
  }

  private _known = new Map<string, readonly IEntry[]>();
  private _changed = new Signal<this, void>(this);
}
