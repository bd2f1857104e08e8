import { Course } from './course';
import type { Said } from './shown';

/** A message that somebody is brought to, and what was found there. */
interface ISpot {
  said: Said;
  words: readonly string[];
}

/** A conversation whose reader goes from branch to branch, and is brought to messages in it. */
export abstract class Path extends Course {
  /** Where a message stands among those that follow the same one; `at` counts from 1. */
  siblings(said: Said): { at: number; count: number } {
    const found = said.id === null ? [] : this._tree.siblings(said.id);
    return { at: Math.max(found.indexOf(said.id ?? '') + 1, 1), count: Math.max(found.length, 1) };
  }

  /** Show the branch of the message before or after one. Raises TurnError. */
  async turnTo(said: Said, step: 1 | -1): Promise<void> {
    if (this.busy || said.id === null) {
      return;
    }
    if (this._tree.partial) {
      await this._read();
    }
    const found = this._tree.siblings(said.id);
    const other = found[found.indexOf(said.id) + step];
    if (other && !this.busy) {
      this._adopt(this._id, this._tree.turn(other));
    }
  }

  /** What its reader is to be brought to, and the words in it: another object each time. */
  get spot(): ISpot | null {
    return this._spot;
  }

  /**
   * Bring the reader to a message, in whichever branch it is, and to words that were found in it. Returns whether it
   * is there. Raises TurnError.
   */
  async goTo(id: string, words: readonly string[] = []): Promise<boolean> {
    const shown = () => this._said.find(each => each.id === id);
    // An answer under way is not taken from the screen.
    if (!shown() && !this.busy) {
      if (!this._tree.holds(id)) {
        await this._read();
      }
      if (!this.busy && this._tree.holds(id)) {
        this._adopt(this._id, this._tree.turn(id));
      }
    }
    const said = shown();
    if (said) {
      this._spot = { said, words };
      this._changed.emit();
    }
    return said !== undefined;
  }

  /** It is no longer on the screen: shown anew, it begins at its end. */
  leaveSpot(): void {
    this._spot = null;
  }

  private _spot: ISpot | null = null;
}
