import { addIcon, ellipsesIcon } from '@jupyterlab/ui-components';
import React from 'react';

import { useSignals } from './hooks';
import type { Rooms } from './rooms';
import type { Thread } from './thread';

interface IProps {
  rooms: Rooms;
  thread: Thread;
  onNewChat: () => void;
  /** Open the menu of what is rarely needed, at its button. */
  onMore: (button: HTMLElement) => void;
}

/** Whose conversation this is, and a new one. */
export function Head({ rooms, thread, onNewChat, onMore }: IProps): JSX.Element {
  useSignals(rooms.changed, thread.changed);
  const name = thread.notebook?.split('/').pop() ?? 'No notebook open';
  return (
    <div className="tether-head">
      <h2
        className="tether-name"
        data-testid="tether-notebook"
        title={thread.notebook ?? undefined}
      >
        {name}
      </h2>
      <button
        type="button"
        className="tether-iconButton tether-newChat"
        data-testid="tether-newChat"
        aria-label="New chat"
        title="New chat"
        disabled={thread.said.length === 0}
        onClick={onNewChat}
      >
        <addIcon.react tag="span" width="16px" height="16px" />
      </button>
      <button
        type="button"
        className="tether-iconButton tether-more"
        data-testid="tether-more"
        aria-label="More"
        aria-haspopup="menu"
        title="More"
        onClick={event => onMore(event.currentTarget)}
      >
        <ellipsesIcon.react tag="span" width="16px" height="16px" />
      </button>
    </div>
  );
}
