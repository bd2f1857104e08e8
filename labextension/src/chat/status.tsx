import React from 'react';

import { useSignals } from './hooks';
import type { ChatRoom } from './room';
import type { Thread } from './thread';
import { Teller } from './teller';
import { phaseWords } from './words';

/** A thing that just happened to the notebook, and how to take it back. */
export interface INote {
  words: string;
  undo: (() => void) | null;
}

interface IProps {
  thread: Thread;
  room: ChatRoom;
}

/** What is happening, in words, with the seconds it has taken. */
export function Status({ thread, room }: IProps): JSX.Element {
  useSignals(thread.stateChanged, room.noteChanged);
  const note = room.said;
  const [, tick] = React.useReducer((n: number) => n + 1, 0);
  const busy = thread.busy;
  React.useEffect(() => {
    const timer = busy ? window.setInterval(tick, 1000) : 0;
    return () => window.clearInterval(timer);
  }, [busy]);
  const answer = thread.answer;
  // How an answer ended stands under it.
  const words =
    answer && busy
      ? phaseWords(answer.phase, answer.lasted, answer.position, answer.load, answer.pause)
      : '';
  const heard = React.useRef(new Teller()).current.hear(answer);
  return (
    <div className="tether-statusRow">
      <span
        className={`tether-status tether-dot${busy ? ' tether-mod-busy' : ''}`}
        data-testid="tether-status"
        data-phase={answer?.phase ?? 'idle'}
        aria-hidden="true"
      >
        {words}
      </span>
      {note && !busy && (
        <span className="tether-note" data-testid="tether-note" role="status">
          {note.words}{' '}
          {note.undo && (
            <button
              type="button"
              className="tether-button tether-undo"
              data-testid="tether-undo"
              onClick={() => {
                note.undo?.();
                room.clearNote();
              }}
            >
              Undo
            </button>
          )}
        </span>
      )}
      <span className="tether-spoken" role="status" aria-live="polite">
        {heard}
      </span>
    </div>
  );
}
