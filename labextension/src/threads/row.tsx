import {
  caretDownIcon,
  caretRightIcon,
  deleteIcon,
  editIcon,
  ellipsesIcon
} from '@jupyterlab/ui-components';
import React from 'react';

import { pinIcon } from './icons';
import { Icon } from '../icon';
import type { IPiece } from '../server/search';
import type { IThread } from '../server/threads';
import { nameOf } from './groups';
import type { Library } from './library';
import { NameField } from './nameField';
import type { Row } from './rows';
import { when } from './when';

interface IProps {
  row: Row;
  library: Library;
  now: Date;
  /** Open the menu of a conversation at a place of the screen. */
  openMenu: (thread: IThread, at: HTMLElement) => void;
}

/** What stands in a row; the list gives it its place. */
export function RowContent({ row, library, now, openMenu }: IProps): JSX.Element {
  if (row.kind === 'group') {
    return <Heading row={row} library={library} />;
  }
  if (row.kind === 'hit') {
    const { conversation, message, snippet } = row.found;
    return (
      <div className="tether-rowWords">
        <span className="tether-rowName">
          {message ? nameOf(conversation) : <Pieces pieces={snippet} />}
        </span>
        {message && (
          <span className="tether-snippet">
            <b>{message.role === 'user' ? 'You: ' : ''}</b>
            <Pieces pieces={snippet} />
          </span>
        )}
        <span className="tether-rowMeta">
          {facts([file(conversation.notebook), when(timeOf(row), now)])}
        </span>
      </div>
    );
  }
  return <Thread thread={row.thread} library={library} now={now} openMenu={openMenu} />;
}

/** What a row is called, for those who do not see it. */
export function labelOf(row: Row, library: Library, now: Date): string {
  if (row.kind === 'group') {
    return `${row.group.label}, ${row.group.threads.length}`;
  }
  if (row.kind === 'hit') {
    const { conversation, snippet } = row.found;
    const said = snippet.map(piece => piece.text).join('');
    const name = row.found.message ? `${nameOf(conversation)}: ${said}` : said;
    return facts([name, file(conversation.notebook), when(timeOf(row), now)], ', ');
  }
  const { thread } = row;
  return facts(
    [
      nameOf(thread),
      library.shelf.writing.has(thread.id) && 'an answer is being written',
      thread.pinned && 'pinned',
      file(thread.notebook),
      when(thread.last_message_at, now),
      count(thread.message_count)
    ],
    ', '
  );
}

function Thread({
  thread,
  library,
  now,
  openMenu
}: Omit<IProps, 'row'> & { thread: IThread }): JSX.Element {
  const { renaming, shelf } = library;
  const project = library.order === 'time' ? shelf.projectOf(thread.project_id) : null;
  if (renaming?.in === 'list' && renaming.id === thread.id) {
    return (
      <NameField
        name={thread.title ?? ''}
        label="Name of this conversation"
        keep={name => void library.keepName(thread.id, name)}
        leave={() => library.rename(null)}
      />
    );
  }
  return (
    <>
      <div className="tether-rowWords">
        <span className="tether-rowName" title={nameOf(thread)}>
          {nameOf(thread)}
        </span>
        <span className="tether-rowMeta" title={thread.notebook ?? undefined}>
          {shelf.writing.has(thread.id) && <span className="tether-writing">Writing</span>}
          {facts([
            project?.name,
            file(thread.notebook),
            when(thread.deleted_at ?? thread.last_message_at, now),
            count(thread.message_count)
          ])}
        </span>
      </div>
      {thread.deleted_at ? (
        <button
          type="button"
          tabIndex={-1}
          className="tether-button tether-rowRestore"
          data-testid="tether-restore"
          aria-label={`Restore ${nameOf(thread)}`}
          onClick={event => {
            event.stopPropagation();
            void library.restore(thread.id);
          }}
        >
          Restore
        </button>
      ) : (
        <span className="tether-rowTools" data-pinned={thread.pinned}>
          <Tool
            label={thread.pinned ? 'Unpin' : 'Pin'}
            testid="tether-pin"
            pressed={thread.pinned}
            act={() => void library.pin(thread.id, !thread.pinned)}
          >
            <Icon icon={pinIcon} size={14} />
          </Tool>
          <Tool label="More" testid="tether-rowMore" menu act={button => openMenu(thread, button)}>
            <Icon icon={ellipsesIcon} size={14} />
          </Tool>
        </span>
      )}
    </>
  );
}

function Heading({
  row,
  library
}: {
  row: Row & { kind: 'group' };
  library: Library;
}): JSX.Element {
  const { group, open } = row;
  const { project } = group;
  const Caret = open ? caretDownIcon : caretRightIcon;
  if (project && library.renaming?.in === 'list' && library.renaming.id === project.id) {
    return (
      <NameField
        name={project.name}
        label="Name of this project"
        keep={name => void library.nameProject(project, name)}
        leave={() => library.rename(null)}
      />
    );
  }
  return (
    <>
      <Icon icon={Caret} size={14} className="tether-caret" />
      <span className="tether-heading">{group.label}</span>
      <span className="tether-headingCount">{group.threads.length}</span>
      {project && (
        <span className="tether-rowTools">
          <Tool
            label="Rename this project"
            testid="tether-renameProject"
            act={() => library.rename({ in: 'list', id: project.id })}
          >
            <Icon icon={editIcon} size={14} />
          </Tool>
          <Tool
            label="Delete this project"
            testid="tether-deleteProject"
            act={() => void library.removeProject(project)}
          >
            <Icon icon={deleteIcon} size={14} />
          </Tool>
        </span>
      )}
    </>
  );
}

interface IToolProps {
  label: string;
  testid: string;
  act: (button: HTMLElement) => void;
  pressed?: boolean;
  menu?: boolean;
  children: React.ReactNode;
}

/** A tool of a row. The keyboard has a key for each, so that Tab goes from list to list. */
function Tool({ label, testid, act, pressed, menu, children }: IToolProps): JSX.Element {
  return (
    <button
      type="button"
      tabIndex={-1}
      className="tether-iconButton tether-rowTool"
      data-testid={testid}
      aria-label={label}
      aria-pressed={pressed}
      aria-haspopup={menu ? 'menu' : undefined}
      title={label}
      onClick={event => {
        event.stopPropagation();
        act(event.currentTarget);
      }}
    >
      {children}
    </button>
  );
}

/** Text with what was searched for marked. It is text: whatever stands in it, nothing of it is mark-up. */
function Pieces({ pieces }: { pieces: IPiece[] }): JSX.Element {
  return (
    <>{pieces.map((piece, i) => (piece.hit ? <mark key={i}>{piece.text}</mark> : piece.text))}</>
  );
}

function timeOf(row: Row & { kind: 'hit' }): string {
  return row.found.message?.created_at ?? row.found.conversation.last_message_at;
}

function file(path: string | null): string | null {
  return path?.split('/').pop() ?? null;
}

function count(messages: number): string {
  return messages === 1 ? '1 message' : `${messages} messages`;
}

function facts(all: (string | null | false | undefined)[], between = ' · '): string {
  return all.filter(Boolean).join(between);
}
