import React from 'react';

import { useSignals } from '../chat/hooks';
import { Meter } from './meter';
import { IPull, Pulls, pullWords } from './pulls';

/** Fetch any model of the hub, and what is on its way. */
export function PullField({ pulls }: { pulls: Pulls }): JSX.Element {
  useSignals(pulls.changed);
  const [text, setText] = React.useState('');
  return (
    <section className="tether-pulls" aria-labelledby="tether-pulls-title">
      <h2 id="tether-pulls-title">Fetch a model</h2>
      <form
        className="tether-fieldLine"
        onSubmit={event => {
          event.preventDefault();
          pulls.start(text);
          setText('');
        }}
      >
        <label>
          <span className="tether-quiet">
            Any of the hub, by its repository. Those of the list have a button below.
          </span>
          <input
            type="text"
            value={text}
            placeholder="OWNER/REPO or OWNER/REPO:FILE"
            spellCheck={false}
            aria-label="The model's repository"
            data-testid="tether-pull-name"
            onChange={event => setText(event.target.value)}
          />
        </label>
        <button type="submit" className="tether-button" disabled={!text.trim()}>
          Fetch
        </button>
      </form>
      {pulls.all.length > 0 && (
        <>
          <ul className="tether-modelRows">
            {pulls.all.map(pull => (
              <PullRow key={pull.text} pull={pull} pulls={pulls} />
            ))}
          </ul>
          {pulls.running > 0 && (
            <p className="tether-quiet">
              This tab may be closed. Closing or reloading the browser's page stops it; what came is
              kept, and it goes on from there.
            </p>
          )}
        </>
      )}
    </section>
  );
}

function PullRow({ pull, pulls }: { pull: IPull; pulls: Pulls }): JSX.Element {
  const { progress, state } = pull;
  const running = state === 'running';
  const again = state === 'stopped' || progress ? 'Go on' : 'Try again';
  return (
    <li className="tether-modelRow" data-pull={pull.text}>
      <div className="tether-modelText">
        <h3>{pull.name}</h3>
        {pull.name !== pull.text && <p className="tether-quiet">{pull.text}</p>}
        <p className={state === 'failed' ? 'tether-problem' : 'tether-modelState'}>
          {pullWords(pull)}
        </p>
        {pull.problem?.hint && <p className="tether-quiet">{pull.problem.hint}</p>}
        {running && (
          <Meter
            share={progress && progress.total ? progress.bytes / progress.total : 0}
            label={`How much of ${pull.name} is here`}
          />
        )}
      </div>
      <div className="tether-modelButtons">
        {running ? (
          <button
            type="button"
            className="tether-button"
            aria-label={`Stop fetching ${pull.name}`}
            onClick={() => pulls.cancel(pull)}
          >
            Stop
          </button>
        ) : (
          <>
            <button
              type="button"
              className="tether-button"
              aria-label={`${again}: ${pull.name}`}
              onClick={() => pulls.start(pull.text)}
            >
              {again}
            </button>
            <button
              type="button"
              className="tether-button"
              aria-label={`Put ${pull.name} away`}
              onClick={() => pulls.dismiss(pull)}
            >
              Put away
            </button>
          </>
        )}
      </div>
    </li>
  );
}
