import { ISignal } from '@lumino/signaling';
import React from 'react';

/** Render again when any of these signals is emitted. */
export function useSignals(...signals: (ISignal<unknown, unknown> | undefined)[]): void {
  const [, again] = React.useReducer((n: number) => n + 1, 0);
  React.useEffect(() => {
    const slot = () => again();
    signals.forEach(signal => signal?.connect(slot));
    return () => signals.forEach(signal => signal?.disconnect(slot));
    // The signals are the dependencies: each is the same object as long as its owner is.
  }, signals);
}
