import React from 'react';

import { ISuggestion, suggestions } from '../notebook/read';
import { ask } from './ask';
import { useSignals } from './hooks';
import type { ChatRoom } from './room';
import type { Rooms } from './rooms';
import type { Thread } from './thread';

interface IProps {
  rooms: Rooms;
  thread: Thread;
  room: ChatRoom;
}

/** An empty conversation: three things that can be asked of this notebook. */
export function Suggestions({ rooms, thread, room }: IProps): JSX.Element | null {
  useSignals(thread.changed, thread.stateChanged, rooms.open.activeCellChanged, rooms.open.ran);
  if (thread.said.length) {
    return null;
  }
  const begin = (each: ISuggestion) => {
    void thread.send(ask(each.question, each.context));
    room.focusInput();
  };
  return (
    <div className="tether-empty" data-testid="tether-empty">
      {thread.trouble && <p className="tether-trouble">{thread.trouble}</p>}
      <p id="tether-emptyTitle">Ask about this notebook, or begin with one of these:</p>
      <ul aria-labelledby="tether-emptyTitle">
        {suggestions(rooms.open.panel).map(each => (
          <li key={each.label}>
            <button
              type="button"
              className="tether-suggestion"
              data-testid="tether-suggestion"
              title={each.question}
              onClick={() => begin(each)}
            >
              {each.label}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
