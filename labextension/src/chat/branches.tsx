import { caretLeftIcon, caretRightIcon } from '@jupyterlab/ui-components';
import React from 'react';

import { asTurnError } from '../server/problems';
import { IconButton } from './iconButton';
import type { ChatRoom } from './room';
import type { Said } from './shown';
import type { Thread } from './thread';

interface IProps {
  said: Said;
  thread: Thread;
  room: ChatRoom;
}

/** Which of several messages in the same place this is, and the way to the others. */
export function Branches({ said, thread, room }: IProps): JSX.Element | null {
  const { at, count } = thread.siblings(said);
  if (count < 2) {
    return null;
  }
  const turn = (step: 1 | -1) => {
    thread.turnTo(said, step).catch(reason => room.note(asTurnError(reason).problem.message));
  };
  return (
    <span className="tether-branches" data-testid="tether-branches">
      <IconButton
        icon={caretLeftIcon}
        name="The version before"
        testid="tether-branchBefore"
        disabled={at === 1 || thread.busy}
        onClick={() => turn(-1)}
      />
      <span>
        {at} of {count}
      </span>
      <IconButton
        icon={caretRightIcon}
        name="The version after"
        testid="tether-branchAfter"
        disabled={at === count || thread.busy}
        onClick={() => turn(1)}
      />
    </span>
  );
}
