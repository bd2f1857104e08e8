import { MessageFooterSectionProps } from '@jupyter/chat';
import React from 'react';

import { Actions } from './actions';
import { Answer } from './answer';
import { useSignals } from './hooks';
import { ANSWER_MIME, bodyOf, TetherChatModel } from './model';
import { Wait } from './wait';
import { figures, INTERRUPTED } from './words';

interface IProps {
  answer: Answer;
  model: TetherChatModel;
}

/** Under an answer: what made it, or why it ended and what to do. */
export function AnswerFooter(props: MessageFooterSectionProps): JSX.Element | null {
  const answer = bodyOf<Answer>(props.message, ANSWER_MIME);
  return answer ? <Below answer={answer} model={props.model as TetherChatModel} /> : null;
}

function Below({ answer, model }: IProps): JSX.Element | null {
  useSignals(answer.changed, model.stateChanged);
  if (!answer.over) {
    return null;
  }
  const line = figures({
    ...model.maker(answer),
    tokens: answer.usage?.completion_tokens ?? null,
    perSecond: answer.usage?.tokens_per_s ?? null,
    finish: answer.phase === 'stopped' ? 'cancelled' : answer.finish
  });
  return (
    <div className="tether-below">
      {answer.phase === 'interrupted' && (
        <div className="tether-interrupted" data-testid="tether-interrupted">
          <p>{INTERRUPTED}</p>
          <TryAgain answer={answer} model={model} />
        </div>
      )}
      {answer.problem && (
        <div className="tether-failure" data-testid="tether-failure">
          <p className="tether-failureWords">{answer.problem.message}</p>
          {answer.problem.hint && <p className="tether-failureHint">{answer.problem.hint}</p>}
          <TryAgain answer={answer} model={model} />
        </div>
      )}
      <div className="tether-belowLine">
        <div className="tether-figures">{line}</div>
        <Actions answer={answer} model={model} />
      </div>
    </div>
  );
}

function TryAgain({ answer, model }: IProps): JSX.Element | null {
  return answer.question ? (
    <div className="tether-again">
      <button
        type="button"
        className="tether-button tether-retry"
        data-testid="tether-retry"
        disabled={!model.canRetry(answer)}
        onClick={() => void model.retry(answer)}
      >
        Try again
      </button>
      <Wait answer={answer} />
    </div>
  ) : null;
}
