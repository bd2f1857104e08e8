import React from 'react';

import { Answer, Question } from './answer';
import { AnswerView } from './answerView';
import { AnswerFooter } from './footer';
import { QuestionBody } from './question';
import type { ChatRoom } from './room';
import type { Said } from './shown';
import type { Sight } from './sight';
import type { Thread } from './thread';

interface IProps {
  said: Said;
  thread: Thread;
  room: ChatRoom;
  sight: Sight;
  /** Its reader is brought here. */
  wanted: boolean;
  /** It is at the end of the conversation. */
  last: boolean;
}

/** One message. Far from what is seen it is plain text: a thousand of them open at once. */
export const Message = React.memo(function Message(props: IProps) {
  const { said, thread, room, sight, wanted, last } = props;
  const root = React.useRef<HTMLElement>(null);
  const [seen, setNear] = React.useState(last);
  const near = seen || wanted;
  React.useEffect(
    () => (seen || !root.current ? undefined : sight.watch(root.current, () => setNear(true))),
    [seen, sight]
  );
  const asked = said instanceof Question;
  return (
    <article
      ref={root}
      className={`tether-Message tether-mod-${asked ? 'question' : 'answer'}`}
      aria-label={asked ? 'You' : 'Tether'}
    >
      {!near ? (
        <div className={`tether-far ${asked ? 'tether-Question' : 'tether-Answer'}`}>
          {asked ? said.words : said.text}
        </div>
      ) : asked ? (
        <QuestionBody question={said} thread={thread} room={room} />
      ) : (
        <>
          <AnswerBody answer={said} room={room} />
          <AnswerFooter answer={said} thread={thread} room={room} />
        </>
      )}
    </article>
  );
});

function AnswerBody({ answer, room }: { answer: Answer; room: ChatRoom }): JSX.Element {
  const root = React.useRef<HTMLDivElement>(null);
  React.useLayoutEffect(() => {
    const view = new AnswerView(root.current as HTMLElement, answer, room.rendermime, room);
    return () => view.dispose();
  }, [answer, room]);
  return <div ref={root} className="tether-Answer" />;
}
