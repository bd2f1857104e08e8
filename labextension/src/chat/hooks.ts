import { ISignal } from '@lumino/signaling';
import React from 'react';

import type { Answer } from './answer';

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

/** Render again when one of these signals is emitted and what `look` returns has become something else. */
export function useLook(
  look: () => string,
  ...signals: (ISignal<unknown, unknown> | undefined)[]
): void {
  const [, again] = React.useReducer((n: number) => n + 1, 0);
  const shown = React.useRef({ look, saw: '' });
  shown.current = { look, saw: look() };
  React.useEffect(() => {
    const slot = () => {
      const { look, saw } = shown.current;
      if (look() !== saw) {
        again();
      }
    };
    signals.forEach(signal => signal?.connect(slot));
    // It may have changed since it was rendered.
    slot();
    return () => signals.forEach(signal => signal?.disconnect(slot));
  }, signals);
}

/** Render again when an answer enters another phase; what it says as it grows is no concern of React's. */
export function usePhase(answer: Answer): void {
  const [, again] = React.useReducer((n: number) => n + 1, 0);
  React.useEffect(() => {
    const slot = (_: Answer, what: 'text' | 'phase') => what === 'phase' && again();
    answer.changed.connect(slot);
    return () => {
      answer.changed.disconnect(slot);
    };
  }, [answer]);
}
