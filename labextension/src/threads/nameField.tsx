import React from 'react';

import { composing } from '../keys';

interface IProps {
  name: string;
  /** What is named, for those who do not see it. */
  label: string;
  keep: (name: string) => void;
  leave: () => void;
}

/** A name that is being written: Enter or going elsewhere keeps it, Escape leaves it as it was. */
export function NameField({ name, label, keep, leave }: IProps): JSX.Element {
  const [value, setValue] = React.useState(name);
  const field = React.useRef<HTMLInputElement>(null);
  const done = React.useRef(false);
  React.useEffect(() => {
    field.current?.focus();
    field.current?.select();
  }, []);
  const end = (action: () => void) => {
    if (!done.current) {
      done.current = true;
      action();
    }
  };
  return (
    <input
      ref={field}
      className="tether-nameField"
      data-testid="tether-nameField"
      aria-label={label}
      maxLength={200}
      value={value}
      onChange={event => setValue(event.target.value)}
      onBlur={() => end(() => keep(value))}
      onClick={event => event.stopPropagation()}
      onKeyDown={event => {
        // Neither the list nor the chat is to take these keys.
        event.stopPropagation();
        if (composing(event)) {
          return;
        }
        if (event.key === 'Enter') {
          event.preventDefault();
          end(() => keep(value));
        } else if (event.key === 'Escape') {
          event.preventDefault();
          end(leave);
        }
      }}
    />
  );
}
