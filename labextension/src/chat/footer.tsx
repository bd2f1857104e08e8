import React from 'react';

import { Actions } from './actions';
import { Answer } from './answer';
import { Coded } from './coded';
import { useLook, usePhase } from './hooks';
import type { ChatRoom } from './room';
import type { Thread } from './thread';
import { Wait } from './wait';
import { figures, INTERRUPTED } from './words';

interface IProps {
  answer: Answer;
  thread: Thread;
  room: ChatRoom;
}

/** Under an answer: what made it, or why it ended and what to do. */
export function AnswerFooter({ answer, thread, room }: IProps): JSX.Element | null {
  usePhase(answer);
  // A long conversation has many of these, and hears of each step of the answer under way.
  useLook(
    () => JSON.stringify([thread.busy, thread.siblings(answer), thread.maker(answer)]),
    thread.stateChanged,
    thread.changed
  );
  if (!answer.over) {
    return null;
  }
  const line = figures({
    ...thread.maker(answer),
    tokens: answer.usage?.completion_tokens ?? null,
    perSecond: answer.usage?.tokens_per_s ?? null,
    cost: answer.usage?.cost_usd ?? null,
    finish: answer.phase === 'stopped' ? 'cancelled' : answer.finish
  });
  return (
    <div className="tether-below">
      {answer.phase === 'interrupted' && (
        <div className="tether-interrupted" data-testid="tether-interrupted">
          <p>{INTERRUPTED}</p>
          <TryAgain answer={answer} thread={thread} />
        </div>
      )}
      {answer.problem && (
        <div className="tether-failure" data-testid="tether-failure">
          <p className="tether-failureWords">
            <Coded words={answer.problem.message} />
          </p>
          {answer.problem.hint && (
            <p className="tether-failureHint">
              <Coded words={answer.problem.hint} />
            </p>
          )}
          <TryAgain answer={answer} thread={thread} />
        </div>
      )}
      <div className="tether-belowLine">
        <div className="tether-figures">{line}</div>
        <Actions answer={answer} thread={thread} room={room} />
      </div>
    </div>
  );
}

function TryAgain({ answer, thread }: Pick<IProps, 'answer' | 'thread'>): JSX.Element | null {
  return answer.question ? (
    <div className="tether-again">
      <button
        type="button"
        className="tether-button tether-retry"
        data-testid="tether-retry"
        disabled={!thread.canRetry(answer)}
        onClick={() => void thread.retry(answer)}
      >
        Try again
      </button>
      <Wait answer={answer} />
    </div>
  ) : null;
}
