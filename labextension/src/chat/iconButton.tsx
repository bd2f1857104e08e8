import { LabIcon } from '@jupyterlab/ui-components';
import React from 'react';

import { Icon } from '../icon';

interface IProps {
  icon: LabIcon;
  /** What it does, for the eye on hover and for a screen reader. */
  name: string;
  testid: string;
  onClick: (event: React.MouseEvent<HTMLButtonElement>) => void;
  className?: string;
  disabled?: boolean;
  pressed?: boolean;
}

/** A button that is an icon. */
export function IconButton(props: IProps): JSX.Element {
  const { icon, name, testid, onClick, className = '', disabled, pressed } = props;
  return (
    <button
      type="button"
      className={`tether-iconButton ${className}`}
      data-testid={testid}
      aria-label={name}
      aria-pressed={pressed}
      title={name}
      disabled={disabled}
      onClick={onClick}
    >
      <Icon icon={icon} size={14} />
    </button>
  );
}
