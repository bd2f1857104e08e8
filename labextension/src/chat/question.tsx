import { copyIcon, deleteIcon, editIcon } from '@jupyterlab/ui-components';
import React from 'react';

import { composing } from '../keys';
import { asTurnError } from '../server/problems';
import { Question } from './answer';
import { Attached } from './attached';
import { Branches } from './branches';
import { useLook } from './hooks';
import { IconButton } from './iconButton';
import type { ChatRoom } from './room';
import type { Thread } from './thread';
import { Tools } from './tools';

/** What is said where the history has no room for what went along. */
export const TOO_LONG =
  'What went along with it was too long to be kept: add it anew if it is needed.';

interface IProps {
  question: Question;
  thread: Thread;
  room: ChatRoom;
}

/** What was asked, as typed: it may hold text of a file or a variable, so it is never markup. */
export function QuestionBody({ question, thread, room }: IProps): JSX.Element {
  useLook(
    () => JSON.stringify([thread.busy, thread.siblings(question)]),
    thread.changed,
    thread.stateChanged
  );
  const [editing, setEditing] = React.useState(false);
  const [trouble, setTrouble] = React.useState('');
  const stop = () => {
    setEditing(false);
    room.focusInput();
  };
  const ask = async (words: string) => {
    const again = () => {
      const { context, attachments, options } = question;
      return { words, context, attachments, options };
    };
    try {
      if (!(await thread.recall(question))) {
        room.note(TOO_LONG);
      }
      await thread.edit(question, again());
    } catch (reason) {
      thread.draft.restore(again());
      room.note(asTurnError(reason).problem.message);
    }
  };
  const remove = async () => {
    try {
      const undo = await thread.remove(question);
      room.note('Taken away, with what followed it.', async () => {
        try {
          await undo();
          if (!thread.said.some(each => each.id === question.id)) {
            room.note('It is back, beside what was asked since.');
          }
        } catch (reason) {
          room.note(asTurnError(reason).problem.message);
        }
      });
      room.focusInput();
    } catch (reason) {
      setTrouble(`Not taken away. ${asTurnError(reason).problem.message}`);
    }
  };
  if (editing) {
    return (
      <Edit
        words={question.words}
        cancel={stop}
        send={words => {
          stop();
          void ask(words);
        }}
      />
    );
  }
  return (
    <>
      <div className="tether-Question">
        {question.words}
        <Along question={question} room={room} />
      </div>
      <Tools label="About this question">
        <Branches said={question} thread={thread} room={room} />
        <IconButton
          icon={editIcon}
          name="Edit"
          testid="tether-edit"
          className="tether-action"
          onClick={() => setEditing(true)}
        />
        <IconButton
          icon={copyIcon}
          name="Copy the question"
          testid="tether-copyQuestion"
          className="tether-action"
          onClick={() => room.copy(question.words)}
        />
        <IconButton
          icon={deleteIcon}
          name="Delete, with what follows"
          testid="tether-delete"
          className="tether-action"
          onClick={() => void remove()}
        />
      </Tools>
      {trouble && (
        <p className="tether-trouble" role="alert">
          {trouble}
        </p>
      )}
    </>
  );
}

/** What went with the words, by name. */
function Along({ question, room }: Pick<IProps, 'question' | 'room'>): JSX.Element | null {
  const { along, attachments, context } = question;
  return along.length + attachments.length === 0 ? null : (
    <ul className="tether-context" aria-label="Sent along">
      {along.map((name, i) => (
        <li key={i} title={context[i]?.text}>
          {name}
        </li>
      ))}
      {attachments.map(each => (
        <Attached key={each.id} attachment={each} server={room.rooms.server} />
      ))}
    </ul>
  );
}

interface IEditProps {
  words: string;
  send: (words: string) => void;
  cancel: () => void;
}

function Edit({ words, send, cancel }: IEditProps): JSX.Element {
  const [text, setText] = React.useState(words);
  const field = React.useRef<HTMLTextAreaElement>(null);
  React.useEffect(() => {
    field.current?.focus();
    field.current?.setSelectionRange(words.length, words.length);
  }, []);
  const ready = Boolean(text.trim());
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (composing(event)) {
      return;
    }
    if (event.key === 'Escape') {
      event.stopPropagation();
      cancel();
    } else if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      if (ready) {
        send(text.trim());
      }
    }
  };
  return (
    <div className="tether-edit">
      <textarea
        ref={field}
        className="tether-editField"
        data-testid="tether-editField"
        aria-label="The question"
        rows={Math.min(8, text.split('\n').length + 1)}
        value={text}
        onChange={event => setText(event.target.value)}
        onKeyDown={onKeyDown}
      />
      <div className="tether-editButtons">
        <button type="button" className="tether-button" onClick={cancel}>
          Cancel
        </button>
        <button
          type="button"
          className="tether-button tether-mod-accept"
          disabled={!ready}
          onClick={() => send(text.trim())}
        >
          Ask again
        </button>
      </div>
    </div>
  );
}
