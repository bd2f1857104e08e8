import { Clipboard } from '@jupyterlab/apputils';
import { closeIcon } from '@jupyterlab/ui-components';
import React from 'react';

import { Icon } from '../icon';
import { lab } from '../threads/lab';
import { Coded } from './coded';
import { useSignals } from './hooks';
import { useHealth } from './inForce';
import { Rooms } from './rooms';

const WAYS = [
  ['A model file on this machine', 'TETHER_MODEL_PATH=model.gguf jupyter lab'],
  ['A service, with a key', 'TETHER_LLM_BACKEND=openai OPENAI_API_KEY=your-key jupyter lab'],
  [
    'A local server, such as Ollama',
    'TETHER_LLM_BACKEND=openai OPENAI_BASE_URL=http://localhost:11434/v1 TETHER_OPENAI_MODEL=its-model jupyter lab'
  ]
];

const NOT_KEPT = 'What is said now is not kept: the database cannot be written.';

/** What health tells of the backend while the server cannot read its settings. */
const UNKNOWN = 'unknown';

/** The command of the page that shows and fetches models, where there is one. */
const MODELS = 'tether:models';

/** What stands between the user and a real answer: assistance that is off, no model, or a demo model. */
export function Notice({ rooms }: { rooms: Rooms }): JSX.Element | null {
  useSignals(rooms.changed);
  useSignals(lab.assistance?.changed);
  const [dismissed, setDismissed] = React.useState(false);
  const [how, setHow] = React.useState(false);
  const health = useHealth(rooms, rooms.current);
  if (lab.assistance?.on === false) {
    return <Off />;
  }
  const sick = health && health.status !== 'healthy' && health.problem ? health.problem : null;
  if (rooms.unreachable || sick) {
    const words = rooms.unreachable?.message ?? sick;
    // Where a setting cannot be read there is no backend, and no model that could be chosen.
    const choice = sick && health?.backend !== UNKNOWN;
    return (
      <section
        className="tether-notice tether-mod-problem"
        data-testid="tether-notice"
        aria-label="Notice"
      >
        <p>
          <Coded words={words ?? ''} />
        </p>
        {rooms.unreachable?.hint && <p>{rooms.unreachable.hint}</p>}
        {choice && how && <Ways />}
        <div className="tether-noticeButtons">
          <button type="button" className="tether-button" onClick={() => void rooms.checkHealth()}>
            Look again
          </button>
          {choice && <Models />}
          {choice && <How open={how} toggle={() => setHow(!how)} />}
        </div>
      </section>
    );
  }
  if (!health?.demo || dismissed) {
    return null;
  }
  return (
    <section className="tether-notice" data-testid="tether-notice" aria-label="Notice">
      <p>
        This is the demo model: tiny, offline, only for trying Tether out. Choose a real one: a GGUF
        file (<code>TETHER_MODEL_PATH</code>) or, with <code>TETHER_LLM_BACKEND=openai</code>, an
        API key (<code>OPENAI_API_KEY</code>) or a local server (<code>OPENAI_BASE_URL</code>).
      </p>
      {how && <Ways />}
      <div className="tether-noticeButtons">
        <Models />
        <How open={how} toggle={() => setHow(!how)} />
      </div>
      <button
        type="button"
        className="tether-iconButton tether-dismiss"
        aria-label="Put this notice away"
        title="Put this notice away"
        onClick={() => setDismissed(true)}
      >
        <Icon icon={closeIcon} size={14} />
      </button>
    </section>
  );
}

/** Assistance is off: what was said can be read, nothing is asked, and one button turns it on again. */
function Off(): JSX.Element {
  return (
    <section
      className="tether-notice tether-mod-off"
      data-testid="tether-off"
      aria-label="Assistance is off"
    >
      <p>
        Assistance is off. Nothing is asked, nothing is completed, and nothing of Tether shows in
        notebooks. Your conversations are kept.
      </p>
      <div className="tether-noticeButtons">
        <button
          type="button"
          className="tether-button"
          data-testid="tether-turnOn"
          onClick={() => void lab.assistance?.set(true)}
        >
          Turn on
        </button>
      </div>
    </section>
  );
}

/** The way to the models, where this Lab has the page. */
function Models(): JSX.Element | null {
  return lab.commands?.hasCommand(MODELS) ? (
    <button
      type="button"
      className="tether-button"
      data-testid="tether-chooseModel"
      onClick={() => void lab.commands?.execute(MODELS)}
    >
      Choose a model
    </button>
  ) : null;
}

/** Why what is said is not kept, for as long as it is not. */
export function DatabaseNotice({ rooms }: { rooms: Rooms }): JSX.Element {
  useSignals(rooms.changed);
  const database = rooms.health?.database;
  const problem = database?.ok === false && (database.problem ?? NOT_KEPT);
  // The place for it is always there: a screen reader hears what comes into one that it knows.
  return (
    <div role="status">
      {problem && (
        <section
          className="tether-notice tether-mod-warning"
          data-testid="tether-databaseNotice"
          aria-label="History"
        >
          <p>
            <Coded words={problem} />
          </p>
        </section>
      )}
    </div>
  );
}

function How({ open, toggle }: { open: boolean; toggle: () => void }): JSX.Element {
  return (
    <button
      type="button"
      className="tether-button tether-how"
      data-testid="tether-how"
      aria-expanded={open}
      onClick={toggle}
    >
      {open ? 'Less' : 'How'}
    </button>
  );
}

function Ways(): JSX.Element {
  return (
    <div className="tether-ways">
      <p>Start Jupyter with one of these:</p>
      <dl>
        {WAYS.map(([what, line]) => (
          <React.Fragment key={line}>
            <dt>{what}</dt>
            <dd>
              <code tabIndex={0}>{line}</code>
              <Copy line={line} />
            </dd>
          </React.Fragment>
        ))}
      </dl>
      <p>
        After <code>make lab</code>, write <code>make lab</code> in place of{' '}
        <code>jupyter lab</code>. On Windows, set the variables first.
      </p>
    </div>
  );
}

function Copy({ line }: { line: string }): JSX.Element {
  const [copied, setCopied] = React.useState(false);
  return (
    <button
      type="button"
      className="tether-button"
      aria-label={`Copy ${line}`}
      onClick={() => {
        Clipboard.copyToSystem(line);
        setCopied(true);
      }}
    >
      {copied ? 'Copied' : 'Copy'}
    </button>
  );
}
