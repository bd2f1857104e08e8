import React from 'react';

import { invitation, panelFor } from '../notebook/read';
import { lab } from '../threads/lab';
import { IIdea, ideas, ownPrompts } from '../threads/ideas';
import { ask } from './ask';
import { useSignals } from './hooks';
import { useHealth } from './inForce';
import type { ChatRoom } from './room';
import type { Rooms } from './rooms';
import type { Thread } from './thread';

/** A history that is read more quickly is not worth words, ms. */
const QUICK_MS = 300;

interface IProps {
  rooms: Rooms;
  thread: Thread;
  room: ChatRoom;
}

/** Nothing is shown yet: why, or three things that can be asked of this notebook. */
export function Suggestions({ rooms, thread, room }: IProps): JSX.Element | null {
  const { open, server } = rooms;
  useSignals(thread.changed, thread.stateChanged, open.activeCellChanged, open.ran);
  useSignals(lab.assistance?.changed);
  useSignals(rooms.changed);
  const health = useHealth(rooms, thread);
  const { loaded, trouble } = thread;
  const blank = thread.said.length === 0;
  const empty = blank && loaded && lab.assistance?.on !== false;
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
  if (!blank) {
    return null;
  }
  // The notice above says it already, and has the button.
  const told = Boolean(trouble && rooms.health?.problem?.includes(trouble));
  const begin = (idea: IIdea) => {
    void thread.send(ask(idea.question, idea.context, idea.options));
    room.focusInput();
  };
  return (
    <>
      {trouble ? !told && <Unread thread={thread} words={trouble} /> : !loaded && <Looking />}
      {empty && (
        <div className="tether-empty" data-testid="tether-empty">
          <p id="tether-emptyTitle">{invitation(thread, open)}, or begin with one of these:</p>
          <ul aria-labelledby="tether-emptyTitle">
            {ideas(panelFor(thread, open), prompts, health?.demo).map(idea => (
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
      )}
    </>
  );
}

/** Why it is not known what was said. */
function Unread({ thread, words }: { thread: Thread; words: string }): JSX.Element {
  return (
    <div className="tether-empty" data-testid="tether-unread">
      <p className="tether-trouble">{words}</p>
      <button
        type="button"
        className="tether-button"
        data-testid="tether-readAgain"
        onClick={() => void thread.refresh()}
      >
        Try again
      </button>
    </div>
  );
}

/** What was said is being read, which says so if it takes a while. */
function Looking(): JSX.Element {
  const [late, setLate] = React.useState(false);
  React.useEffect(() => {
    const timer = window.setTimeout(() => setLate(true), QUICK_MS);
    return () => window.clearTimeout(timer);
  }, []);
  return (
    <div className="tether-empty" role="status" data-testid="tether-looking">
      {late && <p>Looking for what was said</p>}
    </div>
  );
}
