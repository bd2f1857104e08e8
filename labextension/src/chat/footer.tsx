import { MessageFooterSectionProps } from '@jupyter/chat';
import React from 'react';

import { Answer } from './answer';
import { useSignals } from './hooks';
import { ANSWER_MIME, bodyOf, TetherChatModel } from './model';
import { Wait } from './wait';
import { figures } from './words';

/** Under an answer: what made it, or why it ended and what to do. */
export function AnswerFooter(props: MessageFooterSectionProps): JSX.Element | null {
  const answer = bodyOf<Answer>(props.message, ANSWER_MIME);
  return answer ? <Below answer={answer} model={props.model as TetherChatModel} /> : null;
}

function Below({ answer, model }: { answer: Answer; model: TetherChatModel }): JSX.Element | null {
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
      {answer.problem && (
        <div className="tether-failure" data-testid="tether-failure">
          <p className="tether-failureWords">{answer.problem.message}</p>
          {answer.problem.hint && <p className="tether-failureHint">{answer.problem.hint}</p>}
          {answer.question && (
            <div className="tether-again">
              <button
                type="button"
                className="tether-button tether-retry"
                data-testid="tether-retry"
                disabled={model.busy}
                onClick={() => void model.retry(answer)}
              >
                Try again
              </button>
              <Wait answer={answer} />
            </div>
          )}
        </div>
      )}
      {line && <div className="tether-figures">{line}</div>}
    </div>
  );
}
