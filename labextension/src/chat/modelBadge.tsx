import React from 'react';

import { useSignals } from './hooks';
import type { Rooms } from './rooms';

/** Which model answers, and where it runs. */
export function ModelBadge({ rooms }: { rooms: Rooms }): JSX.Element {
  useSignals(rooms.changed);
  const health = rooms.health;
  const name = health?.demo ? 'demo model' : (health?.model ?? '');
  return (
    <span className="tether-badge" data-testid="tether-badge" title={health?.model}>
      {health ? (
        <>
          <span className="tether-badgeModel">{name || 'no model'}</span>
          {health.place && <span className="tether-badgePlace"> · {health.place}</span>}
        </>
      ) : null}
    </span>
  );
}
