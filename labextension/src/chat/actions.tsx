import { LabIcon, refreshIcon } from '@jupyterlab/ui-components';
import React from 'react';

import { thumbDownIcon, thumbUpIcon } from '../icons';
import { Reaction } from '../server/history';
import { asTurnError } from '../server/problems';
import { Answer } from './answer';
import { TetherChatModel } from './model';

const REACTIONS: [Reaction, string, LabIcon][] = [
  ['thumbs_up', 'Good answer', thumbUpIcon],
  ['thumbs_down', 'Bad answer', thumbDownIcon]
];

interface IProps {
  answer: Answer;
  model: TetherChatModel;
}

/** What can be done with an answer, on hover and on focus: have it written again, say what one thinks of it. */
export function Actions({ answer, model }: IProps): JSX.Element | null {
  const [trouble, setTrouble] = React.useState('');
  if (answer.id === null) {
    return null;
  }
  const react = async (reaction: Reaction | null) => {
    try {
      setTrouble('');
      await model.react(answer, reaction);
    } catch (reason) {
      setTrouble(`Not kept. ${asTurnError(reason).problem.message}`);
    }
  };
  return (
    <>
      <div className="tether-actions" role="group" aria-label="About this answer">
        {answer.question && !answer.problem && answer.phase !== 'interrupted' && (
          <button
            type="button"
            className="tether-iconButton tether-action"
            data-testid="tether-regenerate"
            aria-label="Answer again"
            title="Answer again"
            disabled={!model.canRetry(answer)}
            onClick={() => void model.retry(answer)}
          >
            <refreshIcon.react tag="span" width="14px" height="14px" />
          </button>
        )}
        {REACTIONS.map(([reaction, name, icon]) => (
          <button
            key={reaction}
            type="button"
            className="tether-iconButton tether-action"
            data-testid={`tether-${reaction}`}
            aria-label={name}
            aria-pressed={answer.reaction === reaction}
            title={name}
            onClick={() => void react(answer.reaction === reaction ? null : reaction)}
          >
            <icon.react tag="span" width="14px" height="14px" />
          </button>
        ))}
      </div>
      {trouble && (
        <p className="tether-trouble" role="alert">
          {trouble}
        </p>
      )}
    </>
  );
}
