import React from 'react';

import { percent } from './rows';

/** How far something is, drawn and told. */
export function Meter({ share, label }: { share: number; label: string }): JSX.Element {
  const value = Math.floor(Math.min(1, Math.max(0, share)) * 100);
  return (
    <div
      className="tether-meter"
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={value}
      aria-valuetext={percent(share)}
    >
      <div style={{ width: `${value}%` }} />
    </div>
  );
}
