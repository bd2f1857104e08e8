import React from 'react';

import { lab } from '../threads/lab';
import { IIdea, ideas, ownPrompts } from '../threads/ideas';
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
  const { open, server } = rooms;
  useSignals(thread.changed, thread.stateChanged, open.activeCellChanged, open.ran);
  useSignals(lab.assistance?.changed);
  const empty = thread.said.length === 0 && lab.assistance?.on !== false;
  const [prompts, setPrompts] = React.useState<IIdea[]>([]);
  React.useEffect(() => {
    let here = true;
    if (empty) {
      void ownPrompts(server).then(found => here && setPrompts(found));
    }
    return () => {
      here = false;
    };
  }, [empty, server]);
  if (!empty) {
    return null;
  }
  const begin = (idea: IIdea) => {
    void thread.send(ask(idea.question, idea.context, idea.options));
    room.focusInput();
  };
  return (
    <div className="tether-empty" data-testid="tether-empty">
      {thread.trouble && <p className="tether-trouble">{thread.trouble}</p>}
      <p id="tether-emptyTitle">Ask about this notebook, or begin with one of these:</p>
      <ul aria-labelledby="tether-emptyTitle">
        {ideas(open.panel, prompts).map(idea => (
          <li key={idea.label}>
            <button
              type="button"
              className="tether-suggestion"
              data-testid="tether-suggestion"
              title={idea.question}
              onClick={() => begin(idea)}
            >
              {idea.label}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
