import React from 'react';

import { Question } from './answer';
import { FoundWords } from './foundWords';
import { useSignals } from './hooks';
import { guardLinks } from './links';
import { Message } from './message';
import { Pin } from './pin';
import type { ChatRoom } from './room';
import type { Said } from './shown';
import { Sight } from './sight';
import { arrive, arrivedWords } from './spot';
import type { Thread } from './thread';

interface IProps {
  thread: Thread;
  room: ChatRoom;
}

/** So many messages at the end are drawn at once: what is opened is seen from there. */
const LAST = 4;

/** So many messages or a few more are laid out together, or left alone while they are far from view. */
const PART = 32;

/** The messages. Stays at the end while the reader is there, and where the reader is otherwise. */
export function Transcript({ thread, room }: IProps): JSX.Element {
  useSignals(thread.changed);
  const scroller = React.useRef<HTMLDivElement>(null);
  const pin = React.useRef<Pin | null>(null);
  const [sight, setSight] = React.useState<Sight | null>(null);
  const [away, setAway] = React.useState(false);
  React.useLayoutEffect(() => {
    const root = scroller.current as HTMLElement;
    const found = new Sight(root);
    setSight(found);
    pin.current = new Pin(root, setAway);
    const unguard = guardLinks(root);
    return () => {
      unguard();
      pin.current?.dispose();
      found.dispose();
    };
  }, []);
  const last = thread.said[thread.said.length - 1];
  const newest = last && (thread.busy || thread.answer === null) ? last.key : null;
  React.useLayoutEffect(() => {
    // What was just asked is what its asker wants to see, and of what is opened the end. An answer's end moves nobody.
    if (newest !== null) {
      pin.current?.toEnd();
    }
  }, [newest]);
  const parts = partsOf(thread.said);
  const ends = thread.said.slice(-LAST);
  const { spot } = thread;
  React.useLayoutEffect(() => {
    const at = parts.findIndex(part => spot && part.includes(spot.said));
    const part = scroller.current?.firstElementChild?.children[at];
    const found = spot && part?.children[parts[at].indexOf(spot.said)];
    if (!spot || !(found instanceof HTMLElement)) {
      return;
    }
    const words = new FoundWords(found, spot.words, () => pin.current?.again());
    pin.current?.toElement(found, () => words.rect);
    arrive(found);
    return () => words.dispose();
  }, [spot, sight]);
  React.useEffect(() => () => thread.leaveSpot(), [thread]);
  return (
    <div className="tether-transcript" data-empty={thread.said.length === 0}>
      <div
        ref={scroller}
        className="tether-scroller"
        role="log"
        aria-live="off"
        aria-label="Conversation"
        tabIndex={0}
      >
        <div className="tether-messages">
          {sight &&
            parts.map((part, number) => (
              <div
                key={number}
                className={`tether-part${spot && part.includes(spot.said) ? ' tether-mod-sought' : ''}`}
              >
                {part.map(said => (
                  <Message
                    key={said.key}
                    said={said}
                    thread={thread}
                    room={room}
                    sight={sight}
                    wanted={spot?.said === said}
                    last={ends.includes(said)}
                  />
                ))}
              </div>
            ))}
        </div>
      </div>
      <span className="tether-spoken" role="status" data-testid="tether-arrived">
        {spot && arrivedWords(thread, spot.said)}
      </span>
      {away && (
        <button
          type="button"
          className="tether-button tether-toEnd"
          data-testid="tether-toEnd"
          onClick={() => pin.current?.toEnd()}
        >
          To the newest
        </button>
      )}
    </div>
  );
}

/** An answer stays with its question: the distance between them is theirs. */
function partsOf(all: readonly Said[]): Said[][] {
  const parts: Said[][] = [];
  for (const said of all) {
    const last = parts[parts.length - 1];
    if (!last || (last.length >= PART && said instanceof Question)) {
      parts.push([said]);
    } else {
      last.push(said);
    }
  }
  return parts;
}
