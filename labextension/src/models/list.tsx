import React from 'react';

import { useSignals } from '../chat/hooks';
import type { IModelState } from '../server/models';
import { Catalog } from './catalog';
import { Pulls } from './pulls';
import { Row } from './row';
import { Group, groupOf, GROUPS, MANY, matching, ordered } from './rows';

const EMPTY: Record<Group, string> = {
  here: 'No model file is here yet. Fetch one below, or put a GGUF file into the models folder.',
  services: '',
  fetch: 'Everything on the list is here.'
};

/** The models, by where they are, and a filter once they are many. */
export function ModelList({ catalog, pulls }: { catalog: Catalog; pulls: Pulls }): JSX.Element {
  useSignals(catalog.changed, pulls.changed);
  const [filter, setFilter] = React.useState('');
  const { models } = catalog;
  if (!models) {
    return (
      <p className="tether-quiet">
        {catalog.failure ? 'The models are not known.' : 'Looking for the models…'}
      </p>
    );
  }
  const found = matching(models, filter);
  return (
    <>
      {models.length > MANY && (
        <label className="tether-filter">
          <span>Filter</span>
          <input
            type="search"
            value={filter}
            placeholder="A name, a licence, a size"
            data-testid="tether-models-filter"
            onChange={event => setFilter(event.target.value)}
          />
          <span className="tether-quiet" role="status">
            {filter.trim() ? `${found.length} of ${models.length}` : ''}
          </span>
        </label>
      )}
      {filter.trim() && !found.length ? (
        <p className="tether-quiet">
          No model has that.{' '}
          <button type="button" className="tether-link" onClick={() => setFilter('')}>
            Show all
          </button>
        </p>
      ) : (
        GROUPS.map(([group, title]) => (
          <Rows
            key={group}
            group={group}
            title={title}
            models={ordered(
              group,
              found.filter(each => groupOf(each) === group)
            )}
            filtered={Boolean(filter.trim())}
            catalog={catalog}
            pulls={pulls}
          />
        ))
      )}
    </>
  );
}

interface IRowsProps {
  group: Group;
  title: string;
  models: IModelState[];
  filtered: boolean;
  catalog: Catalog;
  pulls: Pulls;
}

function Rows({ group, title, models, filtered, catalog, pulls }: IRowsProps): JSX.Element | null {
  if (!models.length && (filtered || !EMPTY[group]) && group !== 'services') {
    return null;
  }
  if (!models.length && filtered) {
    return null;
  }
  return (
    <section className="tether-modelGroup" aria-labelledby={`tether-group-${group}`}>
      <h2 id={`tether-group-${group}`}>{title}</h2>
      {models.length ? (
        <ul className="tether-modelRows">
          {models.map(model => (
            <Row
              key={`${model.backend}:${model.name}`}
              model={model}
              catalog={catalog}
              pulls={pulls}
            />
          ))}
        </ul>
      ) : (
        EMPTY[group] && <p className="tether-quiet">{EMPTY[group]}</p>
      )}
      {group === 'services' && !filtered && <OtherService catalog={catalog} />}
    </section>
  );
}

/** A model of a service by its name: services have more than they list. */
function OtherService({ catalog }: { catalog: Catalog }): JSX.Element {
  const [name, setName] = React.useState('');
  const problem = catalog.failures.get(name.trim());
  return (
    <form
      className="tether-fieldLine"
      onSubmit={event => {
        event.preventDefault();
        const wanted = name.trim();
        if (wanted) {
          void catalog.useNamed(wanted).then(well => well && setName(''));
        }
      }}
    >
      <label>
        <span>Another model of a service</span>
        <input
          type="text"
          value={name}
          placeholder="openai:gpt-4o-mini"
          spellCheck={false}
          data-testid="tether-service-name"
          onChange={event => setName(event.target.value)}
        />
      </label>
      <button type="submit" className="tether-button" disabled={!name.trim()}>
        Use
      </button>
      {problem && <p className="tether-problem">{problem.message}</p>}
      <p className="tether-quiet">
        As openai:MODEL, for Ollama and other services too. Key and address are set on the server.
      </p>
    </form>
  );
}
