import { closeIcon } from '@jupyterlab/ui-components';
import React from 'react';

import { useSignals } from '../chat/hooks';
import { Icon } from '../icon';
import { useHold } from './hold';
import type { Toast } from './toast';

/** What was just done, at the foot of the panel, and the way back. */
export function ToastView({ toast }: { toast: Toast }): JSX.Element {
  useSignals(toast.changed);
  const hold = useHold<HTMLDivElement>(toast);
  const note = toast.note;
  // The place for it is always there: a screen reader hears what comes into one that it knows.
  return (
    <div className="tether-toastPlace" role="status">
      {note && (
        <div className="tether-toast" data-testid="tether-toast" {...hold}>
          <span className="tether-toastWords">{note.words}</span>
          {note.undo && (
            <button
              type="button"
              className="tether-button"
              data-testid="tether-toastUndo"
              onClick={() => void toast.undo()}
            >
              Undo
            </button>
          )}
          <button
            type="button"
            className="tether-iconButton"
            aria-label="Put this away"
            title="Put this away"
            onClick={() => toast.clear()}
          >
            <Icon icon={closeIcon} size={14} />
          </button>
        </div>
      )}
    </div>
  );
}
