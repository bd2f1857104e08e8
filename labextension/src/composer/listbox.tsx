import React from 'react';

import type { IChoice } from './mentions';

interface IProps {
  id: string;
  label: string;
  choices: readonly IChoice[];
  active: number;
  note: string | null;
  onActive: (at: number) => void;
  onPick: (choice: IChoice) => void;
}

/** What can be named, above the field. The focus stays in the field, which tells which line is active. */
export function Listbox(props: IProps): JSX.Element {
  const { id, label, choices, active, note, onActive, onPick } = props;
  const list = React.useRef<HTMLDivElement>(null);
  React.useEffect(() => {
    list.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' });
  }, [active, choices]);
  let group = '';
  return (
    <div
      className="tether-menu"
      data-testid="tether-menu"
      // The field would lose the focus, and with it the menu.
      onMouseDown={event => event.preventDefault()}
    >
      <div
        ref={list}
        id={id}
        role="listbox"
        aria-label={label}
        // It scrolls. While it is open, Tab in the field takes a line, so nobody stops here on the way.
        tabIndex={0}
        className="tether-menuList"
        hidden={choices.length === 0}
      >
        {choices.map((each, at) => {
          const head = each.group !== group ? (group = each.group) : null;
          return (
            <React.Fragment key={each.key}>
              {head && (
                <div className="tether-menuGroup" role="presentation">
                  {head}
                </div>
              )}
              <div
                id={`${id}-${at}`}
                role="option"
                aria-selected={at === active}
                aria-label={[each.label, each.detail, each.group].filter(Boolean).join(', ')}
                className="tether-option"
                data-testid="tether-option"
                onMouseMove={() => at !== active && onActive(at)}
                onClick={() => onPick(each)}
              >
                <span className="tether-optionLabel">{each.label}</span>
                <span className="tether-optionDetail">{each.detail}</span>
              </div>
            </React.Fragment>
          );
        })}
      </div>
      {note && <p className="tether-menuNote">{note}</p>}
    </div>
  );
}
