import React from 'react';

import { useHold } from '../threads/hold';
import type { Toast } from '../threads/toast';
import { useSignals } from './hooks';
import type { Thread } from './thread';
import { Teller } from './teller';
import { phaseWords } from './words';

interface IProps {
  thread: Thread;
  /** What was just done. */
  toast: Toast;
}

/** What is happening, in words, with the seconds it has taken; and what was just done, with the way back. */
export function Status({ thread, toast }: IProps): JSX.Element {
  useSignals(thread.stateChanged, toast.changed);
  const hold = useHold<HTMLSpanElement>(toast);
  const note = toast.note;
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
      {/* As with the toast, a screen reader knows the place before there are words in it. */}
      <span className="tether-notePlace" role="status">
        {note && (
          <span className="tether-note" data-testid="tether-note" {...hold}>
            {note.words}{' '}
            {note.undo && (
              <button
                type="button"
                className="tether-button tether-undo"
                data-testid="tether-undo"
                onClick={() => void toast.undo()}
              >
                Undo
              </button>
            )}
          </span>
        )}
      </span>
      <span className="tether-spoken" role="status" aria-live="polite">
        {heard}
      </span>
    </div>
  );
}
