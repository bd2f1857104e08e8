import { copyIcon, deleteIcon, editIcon } from '@jupyterlab/ui-components';
import React from 'react';

import { composing, sends } from '../keys';
import { asTurnError } from '../server/problems';
import { lab } from '../threads/lab';
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
    () => {
      const siblings = thread.siblings(question);
      // An answer under way concerns only the arrows between branches.
      return JSON.stringify([thread.allowed, siblings, siblings.count > 1 && thread.busy]);
    },
    thread.changed,
    thread.stateChanged,
    lab.assistance?.changed
  );
  const [editing, setEditing] = React.useState(question.rewording !== null);
  /** Whether it was begun here, or goes on after another conversation was in front. */
  const isBegun = React.useRef(false);
  const [trouble, setTrouble] = React.useState('');
  const stop = () => {
    question.rewording = null;
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
        question={question}
        takesFocus={isBegun.current}
        allowed={thread.allowed}
        sends={event => sends(event, room.rooms.sendWithShiftEnter)}
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
          disabled={!thread.allowed}
          onClick={() => {
            question.rewording = question.words;
            isBegun.current = true;
            setEditing(true);
          }}
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
  question: Question;
  takesFocus: boolean;
  /** Whether anything may be asked now. */
  allowed: boolean;
  sends: (event: React.KeyboardEvent) => boolean;
  send: (words: string) => void;
  cancel: () => void;
}

/** The field in a question's place. What is typed stays with the question, whatever comes to the front meanwhile. */
function Edit(props: IEditProps): JSX.Element {
  const { question, takesFocus, allowed, sends, send, cancel } = props;
  const [text, setText] = React.useState(question.rewording ?? question.words);
  const field = React.useRef<HTMLTextAreaElement>(null);
  React.useEffect(() => {
    if (takesFocus) {
      field.current?.focus();
      field.current?.setSelectionRange(text.length, text.length);
    }
  }, []);
  const ready = allowed && Boolean(text.trim());
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (composing(event)) {
      return;
    }
    if (event.key === 'Escape') {
      event.stopPropagation();
      cancel();
    } else if (sends(event)) {
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
        onChange={event => {
          question.rewording = event.target.value;
          setText(event.target.value);
        }}
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
