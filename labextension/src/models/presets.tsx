import { Notification } from '@jupyterlab/apputils';
import React from 'react';

import { useSignals } from '../chat/hooks';
import { composing } from '../keys';
import type { IPreset } from '../server/clients';
import { Asked } from './asked';
import { presetWords } from './values';

/** How long a deleted preset can be brought back by its notification, ms. */
const UNDO_MS = 10_000;

/** Named values: kept from those in force, laid over them, copied into them, carried elsewhere. */
export function Presets({ asked }: { asked: Asked }): JSX.Element {
  useSignals(asked.changed);
  const [name, setName] = React.useState('');
  const file = React.useRef<HTMLInputElement>(null);
  const { presets } = asked;
  return (
    <section className="tether-presets" aria-labelledby="tether-presets-title">
      <div className="tether-modelsHead">
        <h2 id="tether-presets-title">Presets</h2>
        <button type="button" className="tether-button" onClick={() => file.current?.click()}>
          Import…
        </button>
        <button
          type="button"
          className="tether-button"
          disabled={!presets.length}
          onClick={() => save('tether-presets.json', asked.export(presets))}
        >
          Export all
        </button>
      </div>
      <input
        ref={file}
        type="file"
        accept=".json,application/json"
        aria-label="A file of presets"
        hidden
        onChange={event => void take(event.target, asked)}
      />
      <p className="tether-quiet">
        An active preset lies over the settings above. Applying one copies its values into them.
      </p>
      {presets.length ? (
        <ul className="tether-modelRows">
          {presets.map(preset => (
            <PresetRow key={preset.name} preset={preset} asked={asked} />
          ))}
        </ul>
      ) : (
        <p className="tether-quiet">
          There is no preset yet. Keep the present values under a name.
        </p>
      )}
      <form
        className="tether-fieldLine"
        onSubmit={event => {
          event.preventDefault();
          void asked.create(name.trim()).then(well => well && setName(''));
        }}
      >
        <label>
          <span>Keep the values in force as</span>
          <input
            type="text"
            value={name}
            maxLength={80}
            placeholder="A name"
            data-testid="tether-preset-name"
            onChange={event => setName(event.target.value)}
          />
        </label>
        <button type="submit" className="tether-button" disabled={!name.trim()}>
          Keep
        </button>
      </form>
    </section>
  );
}

function PresetRow({ preset, asked }: { preset: IPreset; asked: Asked }): JSX.Element {
  const [renaming, setRenaming] = React.useState<string | null>(null);
  const named = (verb: string) => `${verb} ${preset.name}`;
  const button = (verb: string, run: () => unknown) => (
    <button
      type="button"
      className="tether-button"
      aria-label={named(verb)}
      onClick={() => void run()}
    >
      {verb}
    </button>
  );
  if (renaming !== null) {
    return (
      <li className="tether-modelRow" data-preset={preset.name}>
        <form
          className="tether-fieldLine"
          onSubmit={event => {
            event.preventDefault();
            const wanted = renaming.trim();
            setRenaming(null);
            if (wanted && wanted !== preset.name) {
              void asked.rename(preset, wanted);
            }
          }}
        >
          <label>
            <span>New name</span>
            <input
              type="text"
              autoFocus
              maxLength={80}
              value={renaming}
              onChange={event => setRenaming(event.target.value)}
              onKeyDown={event => event.key === 'Escape' && !composing(event) && setRenaming(null)}
            />
          </label>
          <button type="submit" className="tether-button">
            Rename
          </button>
          <button type="button" className="tether-button" onClick={() => setRenaming(null)}>
            Leave it
          </button>
        </form>
      </li>
    );
  }
  return (
    <li
      className={preset.active ? 'tether-modelRow tether-mod-chosen' : 'tether-modelRow'}
      data-preset={preset.name}
    >
      <div className="tether-modelText">
        <h3>
          {preset.name}
          {preset.active && <span className="tether-mark">active</span>}
        </h3>
        <p className="tether-quiet">{presetWords(preset.values)}</p>
      </div>
      <div className="tether-modelButtons">
        {preset.active
          ? button('Deactivate', () => asked.activate(preset, false))
          : button('Activate', () => asked.activate(preset, true))}
        {button('Apply', () => asked.apply(preset))}
        {button('Rename', () => setRenaming(preset.name))}
        {button('Export', () => save(`${preset.name}.json`, asked.export([preset])))}
        {button('Delete', () => remove(preset, asked))}
      </div>
    </li>
  );
}

async function remove(preset: IPreset, asked: Asked): Promise<void> {
  if (await asked.remove(preset)) {
    Notification.emit(`The preset ${preset.name} is deleted.`, 'info', {
      autoClose: UNDO_MS,
      actions: [{ label: 'Undo', callback: () => void asked.restore(preset) }]
    });
  }
}

async function take(input: HTMLInputElement, asked: Asked): Promise<void> {
  const chosen = input.files?.[0];
  const text = await chosen?.text();
  // The same file may be chosen again.
  input.value = '';
  if (text !== undefined) {
    await asked.import(text);
  }
}

/** Hand a text to the browser as a download; nothing leaves the page. */
function save(name: string, text: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  link.download = name.replace(/[^\w. -]+/g, '-');
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href));
}
