import React from 'react';

import { Answer } from './answer';
import { duration } from './words';

/** Beside Try again: in how many seconds that is worth while, as long as it is not yet. */
export function Wait({ answer }: { answer: Answer }): JSX.Element | null {
  const [, tick] = React.useReducer((n: number) => n + 1, 0);
  const left = Math.ceil((answer.problem?.retry_after ?? 0) - answer.lasted);
  React.useEffect(() => {
    const timer = left > 0 ? window.setTimeout(tick, 1000) : 0;
    return () => window.clearTimeout(timer);
  }, [left]);
  return left > 0 ? (
    <span className="tether-wait" data-testid="tether-wait">
      in about {duration(left)}
    </span>
  ) : null;
}
