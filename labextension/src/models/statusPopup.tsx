import { ReactWidget } from '@jupyterlab/apputils';
import React from 'react';

import { useSignals } from '../chat/hooks';
import { HealthWatch } from './healthWatch';
import { canFree, statusOf } from './statusWords';

export interface IStatusActions {
  on: () => boolean;
  free: () => Promise<unknown>;
  models: () => void;
  toggle: () => Promise<void>;
  close: () => void;
}

/** What is behind the status item: the figures, and what can be done. */
export function makePopup(watch: HealthWatch, actions: IStatusActions): ReactWidget {
  const body = ReactWidget.create(<Popup watch={watch} actions={actions} />);
  body.addClass('tether-statusPopup');
  body.node.setAttribute('role', 'dialog');
  body.node.setAttribute('aria-label', 'Tether');
  return body;
}

function Popup({ watch, actions }: { watch: HealthWatch; actions: IStatusActions }): JSX.Element {
  useSignals(watch.changed);
  const first = React.useRef<HTMLButtonElement>(null);
  React.useEffect(() => first.current?.focus(), []);
  const on = actions.on();
  const status = statusOf(watch.look, on);
  const free = on && canFree(watch.look, status);
  return (
    <>
      <p className="tether-statusLine">
        <strong>{status.line}</strong>
      </p>
      {status.problem && <p>{status.problem}</p>}
      {!on && <p>Nothing is completed or asked, and nothing of it shows in notebooks.</p>}
      {status.state === 'asleep' && <p>The next question loads the model.</p>}
      {status.figures.length > 0 && (
        <dl>
          {status.figures.map(([name, value]) => (
            <React.Fragment key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </React.Fragment>
          ))}
        </dl>
      )}
      <div className="tether-statusButtons">
        <button
          ref={first}
          type="button"
          className="tether-button"
          onClick={() => {
            actions.close();
            actions.models();
          }}
        >
          Models
        </button>
        {free && (
          <button
            type="button"
            className="tether-button"
            onClick={() => {
              actions.close();
              void actions.free();
            }}
          >
            Free the memory
          </button>
        )}
        <button
          type="button"
          className="tether-button"
          onClick={() => {
            actions.close();
            void actions.toggle();
          }}
        >
          {on ? 'Turn assistance off' : 'Turn assistance on'}
        </button>
      </div>
    </>
  );
}
