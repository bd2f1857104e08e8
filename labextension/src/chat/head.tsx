import { addIcon, ellipsesIcon } from '@jupyterlab/ui-components';
import React from 'react';

import { Icon } from '../icon';
import { Drawer } from '../threads/drawer';
import { nameOf } from '../threads/groups';
import { findIcon, threadsIcon } from '../threads/icons';
import { canOpen } from '../threads/lab';
import { Library, libraryOf } from '../threads/library';
import { NameField } from '../threads/nameField';
import { ToastView } from '../threads/toastView';
import { Question } from './answer';
import { useSignals } from './hooks';
import type { Rooms } from './rooms';
import type { Thread } from './thread';

interface IProps {
  rooms: Rooms;
  thread: Thread;
  onNewChat: () => void;
  /** Open the menu of what is rarely needed, at its button. */
  onMore: (button: HTMLElement) => void;
}

/** Which conversation this is, the way to all others, and a new one. */
export function Head({ rooms, thread, onNewChat, onMore }: IProps): JSX.Element {
  const library = libraryOf(rooms);
  useSignals(rooms.changed, rooms.open.changed, thread.changed, library.changed);
  const head = React.useRef<HTMLDivElement>(null);
  const opener = React.useRef<HTMLElement | null>(null);
  const shown = library.shown;
  useFocusBack(library, head, opener);
  const toggle = (at: 'list' | 'search', button: HTMLElement) => {
    opener.current = button;
    if (shown === at) {
      library.close();
    } else {
      library.open(at);
    }
  };
  return (
    <>
      <div className="tether-head" ref={head}>
        <Button
          name="Conversations"
          testid="tether-threads"
          expanded={shown !== null}
          act={button => toggle(shown ?? 'list', button)}
        >
          <Icon icon={threadsIcon} size={16} />
        </Button>
        <Name library={library} thread={thread} />
        <Button
          name="Search conversations"
          testid="tether-find"
          act={button => toggle('search', button)}
        >
          <Icon icon={findIcon} size={16} />
        </Button>
        <Button
          name="New chat"
          testid="tether-newChat"
          disabled={thread.said.length === 0}
          act={() => {
            library.close();
            onNewChat();
          }}
        >
          <Icon icon={addIcon} size={16} />
        </Button>
        <Button name="More" testid="tether-more" menu act={onMore}>
          <Icon icon={ellipsesIcon} size={16} />
        </Button>
      </div>
      <Elsewhere rooms={rooms} thread={thread} />
      {shown ? (
        <>
          <div className="tether-scrim" onClick={() => library.close()} />
          <Drawer library={library} />
        </>
      ) : (
        <ToastView toast={library.toast} />
      )}
    </>
  );
}

/** What the conversation is called; a click or F2 renames it, as soon as the server has it. */
function Name({ library, thread }: { library: Library; thread: Thread }): JSX.Element {
  const { renaming } = library;
  const button = React.useRef<HTMLButtonElement>(null);
  const known = library.front;
  const title = thread.title || known?.title || null;
  const file = thread.notebook?.split('/').pop();
  // Until the server has named it, a conversation goes by its first words.
  const said = thread.said[0];
  const first = said instanceof Question ? said.words.split('\n')[0] : '';
  const words = title ?? (first || (said ? nameOf({ title, message_count: 1 }) : file));
  const id = thread.id;
  const isRenamed = renaming?.in === 'head' && renaming.id === id;
  const wasRenamed = React.useRef(false);
  React.useEffect(() => {
    if (wasRenamed.current && !isRenamed) {
      button.current?.focus();
    }
    wasRenamed.current = isRenamed;
  }, [isRenamed]);
  if (isRenamed && id !== null) {
    return (
      <NameField
        name={title ?? ''}
        label="Name of this conversation"
        keep={name => void library.keepName(id, name)}
        leave={() => library.rename(null)}
      />
    );
  }
  const name = words ?? 'No notebook open';
  return (
    <h2 className="tether-name" data-testid="tether-notebook" title={thread.notebook ?? undefined}>
      {id !== null && thread.said.length > 0 ? (
        <button
          ref={button}
          type="button"
          className="tether-nameButton"
          data-testid="tether-name"
          title={`${name}: click to rename`}
          onClick={() => library.rename({ in: 'head', id })}
          onKeyDown={event => {
            if (event.key === 'F2') {
              event.preventDefault();
              library.rename({ in: 'head', id });
            }
          }}
        >
          {name}
        </button>
      ) : (
        name
      )}
    </h2>
  );
}

/** Whose conversation it is, where it is not that of the notebook in front. */
function Elsewhere({ rooms, thread }: { rooms: Rooms; thread: Thread }): JSX.Element | null {
  const { notebook } = thread;
  if (notebook === null || notebook === rooms.open.path) {
    return null;
  }
  return (
    <div className="tether-elsewhere" data-testid="tether-elsewhere">
      <span title={notebook}>
        About <b>{notebook.split('/').pop()}</b>
      </span>
      {canOpen() && (
        <button
          type="button"
          className="tether-button"
          data-testid="tether-openNotebook"
          onClick={() => void libraryOf(rooms).openNotebook(notebook)}
        >
          Open it
        </button>
      )}
    </div>
  );
}

/** After a choice the cursor is in the input; after the drawer was closed, on what had opened it. */
function useFocusBack(
  library: Library,
  head: React.RefObject<HTMLElement>,
  opener: React.MutableRefObject<HTMLElement | null>
): void {
  const shown = library.shown !== null;
  const was = React.useRef(false);
  React.useEffect(() => {
    if (was.current && !shown) {
      (opener.current ?? head.current?.querySelector('button'))?.focus();
      opener.current = null;
    }
    was.current = shown;
  }, [shown]);
  React.useEffect(() => {
    const toInput = () =>
      head.current
        ?.closest('.tether-body')
        ?.querySelector<HTMLElement>('.tether-input textarea:not([aria-hidden])')
        ?.focus();
    library.chosen.connect(toInput);
    return () => void library.chosen.disconnect(toInput);
  }, [library]);
}

interface IButtonProps {
  name: string;
  testid: string;
  act: (button: HTMLElement) => void;
  expanded?: boolean;
  disabled?: boolean;
  menu?: boolean;
  children: React.ReactNode;
}

function Button(props: IButtonProps): JSX.Element {
  const { name, testid, act, expanded, disabled, menu, children } = props;
  return (
    <button
      type="button"
      className={`tether-iconButton ${testid}`}
      data-testid={testid}
      aria-label={name}
      aria-expanded={expanded}
      aria-haspopup={menu ? 'menu' : undefined}
      title={name}
      disabled={disabled}
      onClick={event => act(event.currentTarget)}
    >
      {children}
    </button>
  );
}
