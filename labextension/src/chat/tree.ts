import type { IStoredMessage } from '../server/history';
import type { Answer } from './answer';
import type { Said } from './shown';

/** What the tree of a conversation has to know of a message. */
export type Leaf = Pick<IStoredMessage, 'id' | 'parent_id' | 'role'>;

/** The messages that follow the same one, in the order of time; the message itself is among them. */
export function siblings<T extends Leaf>(stored: readonly T[], id: string): T[] {
  const one = stored.find(each => each.id === id);
  return one
    ? stored.filter(each => each.parent_id === one.parent_id && each.role === one.role)
    : [];
}

/** The newest message below one, or the message itself where nothing follows it. */
export function newestBelow<T extends Leaf>(stored: readonly T[], id: string): string {
  return [...withBelow(stored, id)].pop() ?? id;
}

/** A message's id and those of all that follow it, in the order of time. */
function withBelow<T extends Leaf>(stored: readonly T[], id: string): Set<string> {
  const found = new Set([id]);
  // In the order of time, a message comes after the one that it follows.
  for (const each of stored) {
    if (each.parent_id !== null && found.has(each.parent_id)) {
      found.add(each.id);
    }
  }
  return found;
}

/** The branch that ends with a message, from its beginning. */
export function branchTo<T extends Leaf>(stored: readonly T[], id: string | undefined): T[] {
  const byId = new Map(stored.map(each => [each.id, each]));
  const branch: T[] = [];
  let at = byId.get(id ?? '');
  while (at) {
    branch.push(at);
    // Taken out, no message is met twice, whatever the history says.
    byId.delete(at.id);
    at = byId.get(at.parent_id ?? '');
  }
  return branch.reverse();
}

/** All branches of a conversation, and which of them is shown where that is not the newest. */
export class Tree {
  /** The message that the next question follows, if that is not the newest; `root` for none. */
  end: string | null = null;

  /** Whether no more is known here of the newest messages than where they stand. */
  get partial(): boolean {
    return this._partial;
  }

  /** Take in what was read, and return the branch to show. The one that was turned to stays, as long as nothing new was said. */
  take(stored: IStoredMessage[]): IStoredMessage[] {
    const newest = stored[stored.length - 1]?.id;
    const stays = this._knows(newest) && stored.some(each => each.id === this.end);
    this.end = stays && this.end !== newest ? this.end : null;
    this._stored = stored;
    this._partial = false;
    return branchTo(stored, this.end ?? newest);
  }

  /** Know where a new question and its answer stand, before they are read. Returns whether that is news. */
  note(answer: Answer, shown: readonly Said[]): boolean {
    const question = answer.question;
    if (answer.id === null || this._knows(answer.id)) {
      return false;
    }
    this._partial = true;
    if (question?.id && !this._knows(question.id)) {
      const before = shown[shown.indexOf(question) - 1];
      this._stored.push({ id: question.id, parent_id: before?.id ?? null, role: 'user' });
    }
    this._stored.push({ id: answer.id, parent_id: question?.id ?? null, role: 'assistant' });
    return true;
  }

  /** What a message follows; null for the first, undefined for one that is not here. */
  parentOf(id: string): string | null | undefined {
    return this._stored.find(each => each.id === id)?.parent_id;
  }

  /** Whether a message has been read. */
  holds(id: string): boolean {
    return !this._partial && this._knows(id);
  }

  /** The ids of the messages that follow the same one, in the order of time. */
  siblings(id: string): string[] {
    return siblings(this._stored, id).map(each => each.id);
  }

  /** Go over to the branch with a message in it, and return it. It must have been read: see `partial`. */
  turn(id: string): IStoredMessage[] {
    this.end = newestBelow(this._stored, id);
    return branchTo(this._stored as IStoredMessage[], this.end);
  }

  /**
   * Take a message out with all that follows it: what is left of its branch is shown when the history is read. Once it
   * is in the history again, call what is returned to show what was shown, as long as nothing new was said.
   */
  drop(id: string, shown: readonly Said[]): () => void {
    const before = this._stored;
    const known = new Set(before.map(each => each.id));
    const last = [...shown].reverse().find(each => known.has(each.id ?? ''));
    const gone = withBelow(before, id);
    const parent = this.parentOf(id) ?? null;
    this._stored = before.filter(each => !gone.has(each.id));
    // Other versions of what was taken away are turned to from where it stood.
    this.end = parent === null ? null : newestBelow(this._stored, parent);
    return () => {
      if (this._stored.every(each => known.has(each.id))) {
        this._stored = before;
        this._partial = true;
        this.end = last?.id ?? null;
      }
    };
  }

  private _knows(id: string | undefined): boolean {
    return this._stored.some(each => each.id === id);
  }

  /** In the order of time. */
  private _stored: (Leaf | IStoredMessage)[] = [];
  private _partial = false;
}
