import { ChatMessages } from '@jupyter/chat';
import React from 'react';

import { useSignals } from './hooks';
import { TetherChatModel } from './model';

/** How near the end counts as at the end, px. */
const AT_END = 32;

/** What a reader scrolls with, and how long after it a movement is the reader's, ms. */
const TOUCHES = ['wheel', 'keydown', 'pointerdown', 'touchmove'];
const TOUCH_MS = 800;

/**
 * ChatMessages attaches the body of every message anew each time it renders, which takes the focus and the selection
 * out of it: it may render when its own state changes, and not because something around it does.
 */
const Messages = React.memo(ChatMessages);

/** The messages. Stays at the end while the reader is there, and where the reader is otherwise. */
export function Transcript({ model }: { model: TetherChatModel }): JSX.Element {
  useSignals(model.messagesUpdated);
  const root = React.useRef<HTMLDivElement>(null);
  const toEnd = React.useRef(() => {});
  const [away, setAway] = React.useState(false);
  React.useEffect(() => {
    const scroller = root.current?.querySelector<HTMLElement>(
      '[id^="jupyter-chat-scroll-container"]'
    );
    const content = scroller?.firstElementChild;
    if (!scroller || !content) {
      return;
    }
    scroller.setAttribute('role', 'log');
    // The status line speaks; a log that did would spell the answer out token by token.
    scroller.setAttribute('aria-live', 'off');
    scroller.setAttribute('aria-label', 'Conversation');
    scroller.tabIndex = 0;
    let pinned = true;
    let touched = -TOUCH_MS;
    let top = scroller.scrollTop;
    let height = scroller.scrollHeight;
    const pin = (to: boolean) => {
      pinned = to;
      setAway(!to);
    };
    const follow = () => {
      if (pinned) {
        scroller.scrollTop = scroller.scrollHeight;
      }
      top = scroller.scrollTop;
      height = scroller.scrollHeight;
    };
    toEnd.current = () => {
      pin(true);
      follow();
    };
    const onScroll = () => {
      const left = scroller.scrollHeight - scroller.clientHeight - scroller.scrollTop;
      const byReader = performance.now() - touched < TOUCH_MS;
      // The chat and the browser move the view too, when messages come and content shrinks.
      if (byReader && scroller.scrollTop < top - 1 && scroller.scrollHeight >= height) {
        pin(left <= 1);
      } else if (left <= AT_END) {
        pin(true);
      }
      if (pinned && !byReader) {
        scroller.scrollTop = scroller.scrollHeight;
      }
      top = scroller.scrollTop;
      height = scroller.scrollHeight;
    };
    const onTouch = (event: Event) => {
      // A scroll bar is held for as long as it takes.
      touched = event.type === 'pointerdown' ? Infinity : performance.now();
      // Scrolling is animated: unpinned later, it would be undone by the next piece of the answer.
      if (event instanceof WheelEvent && event.deltaY < 0 && scroller.scrollTop > 0) {
        pin(false);
      }
    };
    const onRelease = () => {
      if (touched === Infinity) {
        touched = performance.now();
      }
    };
    const observer = new ResizeObserver(follow);
    observer.observe(content);
    observer.observe(scroller);
    scroller.addEventListener('scroll', onScroll, { passive: true });
    TOUCHES.forEach(type => scroller.addEventListener(type, onTouch, { passive: true }));
    window.addEventListener('pointerup', onRelease);
    let count = model.messages.length;
    const onMessages = () => {
      // What was just asked is what its asker wants to see.
      if (model.messages.length > count) {
        toEnd.current();
      }
      count = model.messages.length;
    };
    model.messagesUpdated.connect(onMessages);
    return () => {
      observer.disconnect();
      scroller.removeEventListener('scroll', onScroll);
      TOUCHES.forEach(type => scroller.removeEventListener(type, onTouch));
      window.removeEventListener('pointerup', onRelease);
      model.messagesUpdated.disconnect(onMessages);
    };
  }, [model]);
  return (
    <div ref={root} className="tether-transcript" data-empty={model.messages.length === 0}>
      <Messages />
      {away && (
        <button
          type="button"
          className="tether-button tether-toEnd"
          data-testid="tether-toEnd"
          onClick={() => toEnd.current()}
        >
          To the newest
        </button>
      )}
    </div>
  );
}
