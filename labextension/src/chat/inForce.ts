import React from 'react';

import { partsOf } from '../composer/parts';
import type { IHealth } from '../server/request';
import { useLook, useSignals } from './hooks';
import type { Rooms } from './rooms';
import type { Thread } from './thread';

/** What health tells of the model that a conversation asks: nothing, where that is another than the server's. */
export function useHealth(rooms: Rooms, thread: Thread): IHealth | null {
  const { lists } = partsOf(rooms, thread);
  const { draft } = thread;
  useSignals(rooms.changed, lists.changed);
  useLook(() => draft.options.model ?? '', draft.changed);
  const { health } = rooms;
  React.useEffect(() => {
    if (health) {
      void lists.lookUsual();
    }
  }, [health !== null, lists]);
  return lists.healthOf(draft.options.model, health);
}
