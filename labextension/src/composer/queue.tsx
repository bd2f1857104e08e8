import { closeIcon } from '@jupyterlab/ui-components';
import React from 'react';

import type { IAsk } from '../chat/ask';
import { Icon } from '../icon';

interface IProps {
  queued: readonly IAsk[];
  /** After a stop or a failure nothing is asked by itself. */
  isHeld: boolean;
  onAsk: (ask: IAsk) => void;
  onBack: (ask: IAsk) => void;
}

/** What was typed while an answer is written, and is asked after it. */
export function Queue({ queued, isHeld, onAsk, onBack }: IProps): JSX.Element | null {
  if (!queued.length) {
    return null;
  }
  return (
    <ul className="tether-queue" aria-label="Asked next" data-testid="tether-queue">
      {queued.map((ask, at) => (
        <li key={at} className="tether-queued" data-testid="tether-queued">
          <span className="tether-queuedWords">
            <span className="tether-queuedMark">{at === 0 ? 'Next' : 'Then'}</span> {ask.words}
          </span>
          {isHeld && at === 0 && (
            <button
              type="button"
              className="tether-linkButton"
              aria-label={`Ask now: ${ask.words.slice(0, 60)}`}
              data-testid="tether-askQueued"
              onClick={() => onAsk(ask)}
            >
              Ask now
            </button>
          )}
          <button
            type="button"
            className="tether-chipRemove"
            aria-label={`Put back into the field: ${ask.words.slice(0, 60)}`}
            title="Put it back into the field"
            data-testid="tether-unqueue"
            onClick={() => onBack(ask)}
          >
            <Icon icon={closeIcon} size={12} />
          </button>
        </li>
      ))}
    </ul>
  );
}
