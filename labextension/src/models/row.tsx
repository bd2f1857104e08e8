import { Dialog, showDialog } from '@jupyterlab/apputils';
import React from 'react';

import { IModelState, underWay } from '../server/models';
import { Catalog } from './catalog';
import { Meter } from './meter';
import { Pulls } from './pulls';
import {
  canLoad,
  canRemove,
  figures,
  groupOf,
  isService,
  loadsNow,
  removalWords,
  resumeText,
  stateWords
} from './rows';

interface IProps {
  model: IModelState;
  catalog: Catalog;
  pulls: Pulls;
}

/** One model: what it is, what it is doing, and what can be done with it. */
export function Row({ model, catalog, pulls }: IProps): JSX.Element {
  const chosen = catalog.answering === model;
  const doing = catalog.doing(model);
  const loading = doing === 'loading' || (!model.loaded && loadsNow(model));
  const state = stateWords(model, doing, chosen);
  const failure = catalog.failures.get(model.name);
  const pulling = pulls.all.some(each => each.name === model.name && each.state === 'running');
  return (
    <li
      className={chosen ? 'tether-modelRow tether-mod-chosen' : 'tether-modelRow'}
      data-model={model.name}
      aria-current={chosen || undefined}
    >
      <div className="tether-modelText">
        <h3>
          {model.name}
          {chosen && <span className="tether-mark">answers</span>}
        </h3>
        {model.purpose && <p>{model.purpose}</p>}
        <p className="tether-quiet">{figures(model).join(' · ')}</p>
        {state && <p className="tether-modelState">{pulling ? 'On its way' : state}</p>}
        {loading && (
          <Meter share={model.engine?.progress ?? 0} label={`How far ${model.name} is loaded`} />
        )}
        {model.problem && <p className="tether-problem">{model.problem}</p>}
        {failure && (
          <div className="tether-problem">
            <p>{failure.message}</p>
            {failure.hint && <p>{failure.hint}</p>}
          </div>
        )}
      </div>
      <div className="tether-modelButtons">
        <Buttons {...{ model, catalog, pulls, chosen, pulling }} busy={Boolean(doing) || loading} />
      </div>
    </li>
  );
}

interface IButtonsProps extends IProps {
  chosen: boolean;
  busy: boolean;
  pulling: boolean;
}

function Buttons({ model, catalog, pulls, chosen, busy, pulling }: IButtonsProps): JSX.Element {
  const named = (verb: string) => `${verb} ${model.name}`;
  const button = (verb: string, run: () => unknown, label = named(verb)) => (
    <button
      key={verb}
      type="button"
      className="tether-button"
      aria-label={label}
      disabled={busy}
      onClick={() => void run()}
    >
      {verb}
    </button>
  );
  const resume = resumeText(model);
  if (groupOf(model) === 'fetch') {
    return (
      <>
        {resume &&
          !pulling &&
          (model.partial
            ? button('Go on', () => pulls.start(resume), `Go on fetching ${model.name}`)
            : button('Fetch', () => pulls.start(resume)))}
        {canRemove(model) && !pulling && button('Remove', () => askAndRemove(model, catalog))}
      </>
    );
  }
  return (
    <>
      {!chosen && !model.problem && button('Use', () => catalog.use(model))}
      {canLoad(model, catalog.answering) && button('Load', () => catalog.load(model))}
      {model.loaded && !isService(model) && button('Unload', () => askAndUnload(model, catalog))}
      {canRemove(model) && button('Remove', () => askAndRemove(model, catalog))}
    </>
  );
}

async function askAndUnload(model: IModelState, catalog: Catalog): Promise<void> {
  const answers = underWay([model]);
  const many = answers === 1 ? 'An answer is' : `${answers} answers are`;
  const sure =
    !answers ||
    (await confirmed(
      `Unload ${model.name}?`,
      `${many} under way. Unloading ends ${answers === 1 ? 'it' : 'them'}; the text so far is kept.`,
      'Unload'
    ));
  if (sure) {
    await catalog.unload(model);
  }
}

async function askAndRemove(model: IModelState, catalog: Catalog): Promise<void> {
  const { title, body } = removalWords(model);
  if (await confirmed(title, body, 'Remove')) {
    await catalog.remove(model);
  }
}

async function confirmed(title: string, body: string, verb: string): Promise<boolean> {
  const result = await showDialog({
    title,
    body,
    buttons: [Dialog.cancelButton({ label: 'Keep it' }), Dialog.warnButton({ label: verb })],
    defaultButton: 0
  });
  return result.button.accept;
}
