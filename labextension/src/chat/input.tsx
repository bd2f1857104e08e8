import { ChatInput } from '@jupyter/chat';
import React from 'react';

import { TetherChatModel } from './model';

const ASK = 'Ask about this notebook';

/** The input of @jupyter/chat, with a name, with Esc, and without taking the focus by itself. */
export function Input({ model }: { model: TetherChatModel }): JSX.Element {
  const root = React.useRef<HTMLDivElement>(null);
  // ChatInput takes the focus in an effect when it is mounted; in an inert part of the page it cannot.
  React.useLayoutEffect(() => {
    root.current?.toggleAttribute('inert', true);
  }, []);
  React.useEffect(() => {
    root.current?.toggleAttribute('inert', false);
    const field = root.current?.querySelector('textarea:not([aria-hidden])');
    field?.setAttribute('aria-label', ASK);
    field?.setAttribute('placeholder', ASK);
  }, []);
  const onKeyDown = (event: React.KeyboardEvent) => {
    const sends = event.shiftKey === Boolean(model.config.sendWithShiftEnter);
    if (event.key === 'Escape' && model.busy) {
      event.preventDefault();
      event.stopPropagation();
      void model.stop();
    } else if (event.key === 'Enter' && event.nativeEvent.isComposing) {
      // This Enter belongs to the input method.
      event.stopPropagation();
    } else if (event.key === 'Enter' && model.busy && sends && inField(event)) {
      // Sending would clear the words; they wait for the answer to end.
      event.preventDefault();
      event.stopPropagation();
    }
  };
  return (
    <div ref={root} className="tether-input" onKeyDownCapture={onKeyDown}>
      <ChatInput model={model.input} />
    </div>
  );
}

function inField(event: React.KeyboardEvent): boolean {
  return (event.target as HTMLElement).localName === 'textarea';
}
