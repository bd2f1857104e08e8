import { copyIcon, LabIcon, refreshIcon } from '@jupyterlab/ui-components';
import React from 'react';

import { thumbDownIcon, thumbUpIcon } from '../icons';
import { Reaction } from '../server/history';
import { asTurnError } from '../server/problems';
import { Answer } from './answer';
import { Branches } from './branches';
import { IconButton } from './iconButton';
import type { ChatRoom } from './room';
import type { Thread } from './thread';
import { Tools } from './tools';

const REACTIONS: [Reaction, string, LabIcon][] = [
  ['thumbs_up', 'Good answer', thumbUpIcon],
  ['thumbs_down', 'Bad answer', thumbDownIcon]
];

interface IProps {
  answer: Answer;
  thread: Thread;
  room: ChatRoom;
}

/** What can be done with an answer, on hover and on focus: have it written again, copy it, say what one thinks of it. */
export function Actions({ answer, thread, room }: IProps): JSX.Element | null {
  const [trouble, setTrouble] = React.useState('');
  if (answer.id === null) {
    return null;
  }
  const react = async (reaction: Reaction | null) => {
    try {
      setTrouble('');
      await thread.react(answer, reaction);
    } catch (reason) {
      setTrouble(`Not kept. ${asTurnError(reason).problem.message}`);
    }
  };
  return (
    <>
      <Tools label="About this answer">
        <Branches said={answer} thread={thread} room={room} />
        {answer.question && !answer.problem && answer.phase !== 'interrupted' && (
          <IconButton
            icon={refreshIcon}
            name="Answer again"
            testid="tether-regenerate"
            className="tether-action"
            disabled={!thread.canRetry(answer)}
            onClick={() => void thread.retry(answer)}
          />
        )}
        {answer.text && (
          <IconButton
            icon={copyIcon}
            name="Copy the answer"
            testid="tether-copyAnswer"
            className="tether-action"
            onClick={() => {
              room.copy(answer.text);
              room.note('Copied the answer as Markdown.');
            }}
          />
        )}
        {REACTIONS.map(([reaction, name, icon]) => (
          <IconButton
            key={reaction}
            icon={icon}
            name={name}
            testid={`tether-${reaction}`}
            className="tether-action"
            pressed={answer.reaction === reaction}
            onClick={() => void react(answer.reaction === reaction ? null : reaction)}
          />
        ))}
      </Tools>
      {trouble && (
        <p className="tether-trouble" role="alert">
          {trouble}
        </p>
      )}
    </>
  );
}
