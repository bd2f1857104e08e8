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
  const turn = async (step: 1 | -1, article: Element | null | undefined) => {
    const all = article?.parentElement;
    const place = all ? [...all.children].indexOf(article) : -1;
    try {
      await thread.turnTo(said, step);
      focusAt(all, place, article, step);
    } catch (reason) {
      room.note(asTurnError(reason).problem.message);
    }
  };
  return (
    <span className="tether-branches" data-testid="tether-branches">
      <IconButton
        icon={caretLeftIcon}
        name="The version before"
        testid="tether-branchBefore"
        disabled={at === 1 || thread.busy}
        onClick={event => void turn(-1, event.currentTarget.closest('article'))}
      />
      <span>
        {at} of {count}
      </span>
      <IconButton
        icon={caretRightIcon}
        name="The version after"
        testid="tether-branchAfter"
        disabled={at === count || thread.busy}
        onClick={event => void turn(1, event.currentTarget.closest('article'))}
      />
    </span>
  );
}

/** The other version is another element: the arrow that was pressed is to be under the finger there too. */
function focusAt(
  all: Element | null | undefined,
  place: number,
  was: Element | null | undefined,
  step: 1 | -1,
  tries = 30
): void {
  const now = all?.children[place];
  const arrows = now !== was && now?.querySelector('.tether-branches');
  if (arrows) {
    const own = `[data-testid=tether-branch${step === 1 ? 'After' : 'Before'}]:enabled`;
    (
      arrows.querySelector<HTMLElement>(own) ?? arrows.querySelector<HTMLElement>('button:enabled')
    )?.focus();
  } else if (tries > 0) {
    requestAnimationFrame(() => focusAt(all, place, was, step, tries - 1));
  }
}
