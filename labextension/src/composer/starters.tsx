import React from 'react';

import { useSignals } from '../chat/hooks';
import type { Rooms } from '../chat/rooms';
import type { Thread } from '../chat/thread';
import { Lists } from './lists';

const FEW = 3;

interface IProps {
  rooms: Rooms;
  thread: Thread;
  lists: Lists;
}

/** The user's prompts, as long as nothing has been said or typed. One that is taken is sent by hand. */
export function Starters({ rooms, thread, lists }: IProps): JSX.Element | null {
  useSignals(thread.changed, thread.draft.changed, lists.changed);
  const empty = !thread.said.length && thread.draft.isEmpty;
  const there = rooms.health !== null;
  React.useEffect(() => {
    if (empty && there) {
      void lists.lookPrompts();
    }
  }, [empty, there]);
  if (!empty || !lists.prompts.length) {
    return null;
  }
  return (
    <div
      className="tether-starters"
      role="group"
      aria-label="Prompts"
      data-testid="tether-starters"
    >
      {lists.prompts.slice(0, FEW).map(each => (
        <button
          key={each.id}
          type="button"
          className="tether-starter"
          title={each.prompt}
          onClick={() => {
            thread.draft.words = each.prompt;
            thread.draft.focus();
          }}
        >
          {each.title}
        </button>
      ))}
    </div>
  );
}
