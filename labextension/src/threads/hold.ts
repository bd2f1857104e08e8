import React from 'react';

import type { Toast } from './toast';

/** What an element has to have that keeps a toast for as long as the pointer or the focus is on it. */
export interface IHold<T extends HTMLElement> {
  ref: React.RefObject<T>;
  onMouseEnter: () => void;
  onMouseLeave: () => void;
  onFocus: () => void;
  onBlur: () => void;
}

/** Hold a toast by the element that shows it. */
export function useHold<T extends HTMLElement>(toast: Toast): IHold<T> {
  const ref = React.useRef<T>(null);
  const { note } = toast;
  React.useEffect(() => {
    // A button that went with the note before is told of neither a pointer that leaves nor a lost focus.
    if (!ref.current?.contains(document.activeElement)) {
      toast.release('focus');
    }
    if (!ref.current?.matches(':hover')) {
      toast.release('pointer');
    }
  }, [note]);
  React.useEffect(
    () => () => {
      toast.release('focus');
      toast.release('pointer');
    },
    [toast]
  );
  return {
    ref,
    onMouseEnter: () => toast.hold('pointer'),
    onMouseLeave: () => toast.release('pointer'),
    onFocus: () => toast.hold('focus'),
    onBlur: () => toast.release('focus')
  };
}
