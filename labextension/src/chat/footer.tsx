import React from 'react';

import { asTurnError } from '../server/problems';
import { lab } from '../threads/lab';
import { Actions } from './actions';
import { Answer } from './answer';
import { Coded } from './coded';
import { useLook, usePhase } from './hooks';
import { TOO_LONG } from './question';
import type { ChatRoom } from './room';
import type { Thread } from './thread';
import { Wait } from './wait';
import { figures, INTERRUPTED, UNHEARD } from './words';

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
    () =>
      JSON.stringify([thread.busy, thread.allowed, thread.siblings(answer), thread.maker(answer)]),
    thread.stateChanged,
    thread.changed,
    lab.assistance?.changed
  );
  if (!answer.over) {
    return null;
  }
  const line = figures({
    ...thread.maker(answer),
    tokens: answer.usage?.completion_tokens ?? null,
    perSecond: answer.usage?.tokens_per_s ?? null,
    cost: answer.usage?.cost_usd ?? null,
    finish: answer.phase === 'stopped' && !answer.unheard ? 'cancelled' : answer.finish
  });
  return (
    <div className="tether-below">
      {answer.phase === 'interrupted' && (
        <div className="tether-interrupted" data-testid="tether-interrupted">
          <p>{INTERRUPTED}</p>
          <TryAgain answer={answer} thread={thread} room={room} />
        </div>
      )}
      {answer.phase === 'stopped' && answer.unheard && (
        <div className="tether-interrupted" data-testid="tether-unheard">
          <p>{UNHEARD}</p>
          <TryAgain answer={answer} thread={thread} room={room} />
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
          <TryAgain answer={answer} thread={thread} room={room} />
        </div>
      )}
      <div className="tether-belowLine">
        <div className="tether-figures">{line}</div>
        <Actions answer={answer} thread={thread} room={room} />
      </div>
    </div>
  );
}

/** What is wrong with a question itself fails again, however often it is asked. */
const ITS_OWN = ['context_overflow', 'invalid_request', 'too_large'];

function TryAgain({ answer, thread, room }: IProps): JSX.Element | null {
  const { question, problem } = answer;
  const reword = async () => {
    try {
      if (question && !(await thread.reword(question))) {
        room.note(TOO_LONG);
      }
    } catch (reason) {
      room.note(asTurnError(reason).problem.message);
    }
    room.focusInput();
  };
  return question ? (
    <div className="tether-again">
      {problem && ITS_OWN.includes(problem.type) && (
        <button
          type="button"
          className="tether-button"
          data-testid="tether-reword"
          disabled={!thread.allowed}
          onClick={() => void reword()}
        >
          Edit the question
        </button>
      )}
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
