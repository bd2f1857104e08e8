import type { IStoredMessage } from '../server/history';

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
  const below = new Set([id]);
  let newest = id;
  // In the order of time, a message comes after the one that it follows.
  for (const each of stored) {
    if (each.parent_id !== null && below.has(each.parent_id)) {
      below.add(each.id);
      newest = each.id;
    }
  }
  return newest;
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
