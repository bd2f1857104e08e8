import type { Rooms } from '../chat/rooms';
import type { Thread } from '../chat/thread';
import { Files } from './files';
import { Lists } from './lists';
import { Mentions } from './mentions';

const lists = new WeakMap<Rooms, Lists>();
const mentions = new WeakMap<Rooms, Mentions>();
const files = new WeakMap<Thread, Files>();

/** What outlives a composer, which is made anew for each conversation that comes to the front. */
export function partsOf(rooms: Rooms, thread: Thread) {
  return {
    lists: once(lists, rooms, () => new Lists(rooms.server)),
    mentions: once(mentions, rooms, () => new Mentions(rooms)),
    files: once(files, thread, () => new Files(thread.draft, rooms.server))
  };
}

function once<K extends object, V>(known: WeakMap<K, V>, key: K, make: () => V): V {
  const found = known.get(key) ?? make();
  known.set(key, found);
  return found;
}
