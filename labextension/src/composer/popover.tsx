import { checkIcon } from '@jupyterlab/ui-components';
import React from 'react';

import { Icon } from '../icon';

/** One line of a menu below the field. */
export interface IMenuItem {
  key: string;
  label: string;
  detail?: string;
  /** Whether it is the one in force; undefined where nothing is chosen by it. */
  checked?: boolean;
  disabled?: boolean;
  /** A line above it. */
  apart?: boolean;
}

interface IProps {
  label: string;
  items: readonly IMenuItem[];
  /** Said below the lines: why something is missing. */
  note?: string | null;
  onPick: (key: string) => void;
  /** With whether the focus goes back to what opened it. */
  onClose: (back: boolean) => void;
}

/** A menu above the row of buttons, which it never covers. */
export function Popover({ label, items, note, onPick, onClose }: IProps): JSX.Element {
  const root = React.useRef<HTMLDivElement>(null);
  const lines = () => [...(root.current?.querySelectorAll<HTMLElement>('[role^=menuitem]') ?? [])];
  React.useEffect(() => {
    const chosen = root.current?.querySelector<HTMLElement>('[aria-checked=true]');
    (chosen ?? lines()[0] ?? root.current)?.focus();
  }, [label, items.length > 0]);
  React.useEffect(() => {
    const outside = (event: MouseEvent) => {
      const target = event.target as Element;
      if (!root.current?.contains(target) && !target.closest?.('[aria-haspopup=menu]')) {
        onClose(false);
      }
    };
    document.addEventListener('mousedown', outside, true);
    return () => document.removeEventListener('mousedown', outside, true);
  });
  const onKeyDown = (event: React.KeyboardEvent) => {
    const all = lines();
    const at = all.indexOf(document.activeElement as HTMLElement);
    const to = (index: number) => all[(index + all.length) % all.length]?.focus();
    switch (event.key) {
      case 'ArrowDown':
        to(at + 1);
        break;
      case 'ArrowUp':
        to(at - 1);
        break;
      case 'Home':
        to(0);
        break;
      case 'End':
        to(-1);
        break;
      case 'Escape':
        onClose(true);
        break;
      case 'Tab':
        onClose(true);
        return;
      default: {
        const letter = event.key.length === 1 ? event.key.toLowerCase() : null;
        const next = [...all.slice(at + 1), ...all.slice(0, at + 1)].find(
          each => letter && each.textContent?.trim().toLowerCase().startsWith(letter)
        );
        if (!next || event.key === ' ') {
          return;
        }
        next.focus();
      }
    }
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div
      ref={root}
      className="tether-menu"
      data-testid="tether-popover"
      tabIndex={-1}
      onKeyDown={onKeyDown}
    >
      <div role="menu" aria-label={label} className="tether-menuList">
        {items.map(each => (
          <button
            key={each.key}
            type="button"
            role={each.checked === undefined ? 'menuitem' : 'menuitemradio'}
            aria-checked={each.checked}
            aria-disabled={each.disabled || undefined}
            tabIndex={-1}
            className={`tether-option${each.apart ? ' tether-mod-apart' : ''}`}
            data-testid="tether-choice"
            onClick={() => !each.disabled && onPick(each.key)}
          >
            {each.checked !== undefined && (
              <span className="tether-optionMark">
                {each.checked && <Icon icon={checkIcon} size={14} />}
              </span>
            )}
            <span className="tether-optionLabel">{each.label}</span>
            {each.detail && <span className="tether-optionDetail">{each.detail}</span>}
          </button>
        ))}
      </div>
      {note && <p className="tether-menuNote">{note}</p>}
    </div>
  );
}
