import React from 'react';

import { useSignals } from '../chat/hooks';
import { composing } from '../keys';
import { Asked } from './asked';
import { Field, FIELDS, IFieldInfo, layerWords, read, shown } from './values';

/** What the model is asked with: each value, where it comes from, and the way back. */
export function AskedWith({ asked }: { asked: Asked }): JSX.Element {
  useSignals(asked.changed);
  const preset = asked.active?.name ?? null;
  const own = asked.own ?? {};
  return (
    <section className="tether-asked" aria-labelledby="tether-asked-title">
      <div className="tether-modelsHead">
        <h2 id="tether-asked-title">Settings of the model</h2>
        <button
          type="button"
          className="tether-button"
          disabled={!FIELDS.some(({ name }) => own[name] !== undefined)}
          onClick={() => void asked.reset()}
        >
          Reset all
        </button>
      </div>
      <p className="tether-quiet">
        What questions of the sidebar are asked with. An empty field leaves the value to the next
        layer: the server's settings, else the model.
      </p>
      {asked.problem && (
        <div className="tether-problem" role="alert">
          <p>{asked.problem.message}</p>
          {asked.problem.hint && <p>{asked.problem.hint}</p>}
        </div>
      )}
      {asked.own &&
        FIELDS.map(field => <Value key={field.name} field={field} asked={asked} preset={preset} />)}
    </section>
  );
}

interface IValueProps {
  field: IFieldInfo;
  asked: Asked;
  preset: string | null;
}

function Value({ field, asked, preset }: IValueProps): JSX.Element {
  const { name, title, help } = field;
  const kept = asText(asked.own?.[name]);
  const [text, setText] = React.useState(kept);
  const [wrong, setWrong] = React.useState('');
  React.useEffect(() => {
    setText(kept);
    setWrong('');
  }, [kept]);
  const effective = asked.effective[name];
  const covered = asked.own?.[name] !== undefined && effective?.layer === 'preset';
  const id = `tether-value-${name}`;

  const keep = () => {
    const found = read(field, text);
    if ('wrong' in found) {
      setWrong(found.wrong);
      return;
    }
    setWrong('');
    if (asText(found.value) !== kept) {
      void asked.set({ [name]: found.value });
    }
  };
  const shared = {
    id,
    value: text,
    placeholder: asText(effective?.value),
    'aria-describedby': `${id}-help ${id}-layer`,
    'aria-invalid': wrong ? true : undefined,
    onBlur: keep
  };
  return (
    <div className="tether-value" data-field={name}>
      <label htmlFor={id}>{title}</label>
      {name === 'system' ? (
        <textarea {...shared} rows={4} onChange={event => setText(event.target.value)} />
      ) : (
        <input
          {...shared}
          type="text"
          inputMode="decimal"
          onChange={event => setText(event.target.value)}
          onKeyDown={event => {
            if (composing(event)) {
              return;
            }
            if (event.key === 'Enter') {
              keep();
            } else if (event.key === 'Escape') {
              setText(kept);
              setWrong('');
            }
          }}
        />
      )}
      <p id={`${id}-help`} className="tether-quiet">
        {help}
      </p>
      <p id={`${id}-layer`} className="tether-layer">
        {inForceWords(name, asked, preset)}
        {covered && ' Your own value counts when that preset is not active.'}
      </p>
      {wrong && (
        <p className="tether-problem" role="alert">
          {wrong}
        </p>
      )}
      {kept !== '' && (
        <button
          type="button"
          className="tether-link"
          aria-label={`Reset ${title.toLowerCase()}`}
          onClick={() => void asked.set({ [name]: null })}
        >
          Reset
        </button>
      )}
    </div>
  );
}

function inForceWords(name: Field, asked: Asked, preset: string | null): string {
  const found = asked.effective[name];
  const where = layerWords(found, preset);
  const nothing = found?.value === null || found?.value === undefined;
  // A long text stands in its field already, as what is set or as what would be.
  const read = name === 'system' && (found?.layer !== 'preset' || asked.own?.system === undefined);
  return nothing || read ? `In force: ${where}.` : `In force: ${shown(found.value)}, ${where}.`;
}

function asText(value: unknown): string {
  return value === null || value === undefined ? '' : String(value);
}
