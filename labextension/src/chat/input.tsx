import { stopIcon } from '@jupyterlab/ui-components';
import React from 'react';

import { useSignals } from './hooks';
import { ModelBadge } from './modelBadge';
import type { Rooms } from './rooms';
import type { Thread } from './thread';

const ASK = 'Ask about this notebook';

interface IProps {
  rooms: Rooms;
  thread: Thread;
}

/** Where questions are written; Send, which is Stop while an answer is under way. */
export function Input({ rooms, thread }: IProps): JSX.Element {
  const { draft } = thread;
  useSignals(draft.changed, thread.stateChanged, rooms.changed);
  const send = () => {
    if (!draft.isEmpty) {
      void thread.send(draft.take());
    }
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.nativeEvent.isComposing) {
      // This key belongs to the input method.
      return;
    }
    if (event.key === 'Escape' && thread.busy) {
      event.preventDefault();
      event.stopPropagation();
      void thread.stop();
    } else if (event.key === 'Enter' && event.shiftKey === rooms.sendWithShiftEnter) {
      event.preventDefault();
      send();
    }
  };
  const keys = rooms.sendWithShiftEnter ? 'Shift+Enter' : 'Enter';
  return (
    <div className="tether-input">
      <div className="tether-field">
        <textarea
          aria-label={ASK}
          placeholder={ASK}
          rows={Math.min(8, draft.words.split('\n').length)}
          value={draft.words}
          onChange={event => (draft.words = event.target.value)}
          onKeyDown={onKeyDown}
        />
        <div className="tether-tools">
          <ModelBadge rooms={rooms} />
          {thread.busy ? (
            <button
              type="button"
              className="tether-button tether-stop"
              data-testid="tether-stop"
              title="Stop answering (Esc)"
              onClick={() => void thread.stop()}
            >
              <stopIcon.react tag="span" width="14px" height="14px" />
              Stop
            </button>
          ) : (
            <button
              type="button"
              className="tether-button tether-send jp-mod-accept"
              data-testid="tether-send"
              title={`Send (${keys})`}
              disabled={draft.isEmpty}
              onClick={send}
            >
              Send
            </button>
          )}
        </div>
      </div>
    </div>
  );
}
