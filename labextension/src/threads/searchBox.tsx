import React from 'react';

import { useSignals } from '../chat/hooks';
import { Icon } from '../icon';
import { composing } from '../keys';
import type { Library } from './library';
import { findIcon } from './icons';
import { daysAgo } from './when';

/** The field that searches all that was said, and what narrows the search once there is one. */
export const SearchBox = React.forwardRef<
  HTMLInputElement,
  { library: Library; toList: () => void }
>(function SearchBox({ library, toList }, field) {
  const { finding } = library;
  useSignals(finding.changed);
  return (
    <div className="tether-search">
      <label className="tether-searchField">
        <Icon icon={findIcon} size={16} />
        <input
          ref={field}
          type="search"
          data-testid="tether-search"
          aria-label="Search conversations"
          placeholder="Search conversations"
          autoComplete="off"
          spellCheck={false}
          maxLength={500}
          value={finding.words}
          onChange={event => finding.set(event.target.value)}
          onKeyDown={event => {
            if (composing(event)) {
              return;
            }
            if (event.key === 'ArrowDown' || (event.key === 'Enter' && finding.words.trim())) {
              event.preventDefault();
              toList();
            }
          }}
        />
      </label>
      {finding.words.trim() !== '' && <Filters library={library} />}
    </div>
  );
});

function Filters({ library }: { library: Library }): JSX.Element {
  const { finding, shelf, stage } = library;
  const { notebook, project, after } = finding.filters;
  const [days, setDays] = React.useState(after ? '' : '0');
  const where =
    notebook !== undefined ? 'notebook' : project !== undefined ? project : 'everywhere';
  const time = after === undefined ? {} : { after };
  return (
    <div className="tether-filters">
      <select
        aria-label="Where to search"
        data-testid="tether-searchWhere"
        value={where}
        onChange={event => {
          const value = event.target.value;
          finding.set(finding.words, {
            ...time,
            ...(value === 'notebook' && stage.open.path !== null && { notebook: stage.open.path }),
            ...(value !== 'notebook' && value !== 'everywhere' && { project: value })
          });
        }}
      >
        <option value="everywhere">Everywhere</option>
        {stage.open.path !== null && <option value="notebook">This notebook</option>}
        {shelf.projects.map(each => (
          <option key={each.id} value={each.id}>
            {each.name}
          </option>
        ))}
      </select>
      <select
        aria-label="How far back to search"
        data-testid="tether-searchSince"
        value={after === undefined ? '0' : days}
        onChange={event => {
          const since = Number(event.target.value);
          setDays(event.target.value);
          finding.set(finding.words, {
            ...(notebook !== undefined && { notebook }),
            ...(project !== undefined && { project }),
            ...(since && { after: daysAgo(since, new Date()) })
          });
        }}
      >
        <option value="0">Any time</option>
        <option value="1">Today</option>
        <option value="7">Last 7 days</option>
        <option value="30">Last 30 days</option>
      </select>
    </div>
  );
}
