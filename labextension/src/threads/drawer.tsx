import React from 'react';

import { useSignals } from '../chat/hooks';
import { composing } from '../keys';
import { together, titled } from './finding';
import { byProject, byTime, worthListing } from './groups';
import type { Library } from './library';
import { List } from './list';
import { openRowMenu } from './rowMenu';
import { groupRows, hitRows, Row, threadRows } from './rows';
import { SearchBox } from './searchBox';
import { ToastView } from './toastView';

/** All conversations, over the panel, under its head. */
export function Drawer({ library }: { library: Library }): JSX.Element {
  const { finding, shelf, stage, view, order } = library;
  useSignals(library.changed, shelf.changed, finding.changed, stage.changed, stage.open.changed);
  const drawer = React.useRef<HTMLElement>(null);
  const field = React.useRef<HTMLInputElement>(null);
  const toList = () =>
    drawer.current?.querySelector<HTMLElement>('[role="treeitem"][tabindex="0"]')?.focus();

  useOnlyThis(drawer);
  React.useEffect(() => {
    field.current?.focus();
  }, [library.shown, view]);

  const searching = view === 'kept' && finding.words.trim() !== '';
  const rows = searching
    ? found(library)
    : view === 'deleted'
      ? threadRows(shelf.deleted ?? [], 1)
      : groupRows(groups(library), library.closed);
  const choose = (row: Row) => {
    if (row.kind === 'group') {
      library.fold(row.group.key, !row.open);
    } else if (row.kind === 'hit') {
      const { conversation, message, snippet } = row.found;
      const words = snippet.filter(piece => piece.hit).map(piece => piece.text);
      void library.choose(conversation.id, message?.id, words);
    } else if (row.thread.deleted_at) {
      void library.restore(row.thread.id);
    } else {
      void library.choose(row.thread.id);
    }
  };
  return (
    <section
      ref={drawer}
      className="tether-drawer"
      data-testid="tether-drawer"
      aria-label="Conversations"
      onKeyDown={event => {
        if (event.key === 'Escape' && !composing(event)) {
          // In the chat it would stop an answer.
          event.preventDefault();
          event.stopPropagation();
          library.close();
        }
      }}
    >
      {view === 'kept' ? (
        <>
          <SearchBox ref={field} library={library} toList={toList} />
          {!searching && <OrderSwitch library={library} />}
        </>
      ) : (
        <p className="tether-drawerTitle">Recently deleted</p>
      )}
      <Said library={library} searching={searching} empty={rows.length === 0} />
      {rows.length > 0 && (
        <List
          key={searching ? 'search' : `${view} ${order}`}
          library={library}
          rows={rows}
          label={searching ? 'What was found' : 'Conversations'}
          choose={choose}
          type={key => {
            if (view === 'kept') {
              finding.set(finding.words + key);
              field.current?.focus();
            }
          }}
          openMenu={(thread, at) => openRowMenu(library, thread, at)}
          atEnd={searching ? () => void finding.more() : undefined}
        />
      )}
      <ToastView toast={library.toast} />
      <Foot library={library} />
    </section>
  );
}

function groups(library: Library): ReturnType<typeof byTime> {
  const { shelf, stage } = library;
  const threads = worthListing(shelf.threads.values());
  return library.order === 'time'
    ? byTime(threads, stage.open.path, new Date())
    : byProject(threads, shelf.projects);
}

function found(library: Library): Row[] {
  const { finding, shelf } = library;
  const titles = titled(shelf.threads.values(), finding.words, finding.filters);
  return hitRows(together(titles, finding.found));
}

/** What there is to say of the list in words: that it is empty, or why it is. */
function Said(props: { library: Library; searching: boolean; empty: boolean }): JSX.Element {
  const { library, searching, empty } = props;
  const { finding, shelf } = library;
  const narrowed = Object.keys(finding.filters).length > 0;
  let words = '';
  if (searching) {
    if (finding.trouble) {
      words = finding.trouble;
    } else if (empty) {
      words = finding.busy ? 'Searching' : `Nothing that was said has “${finding.words.trim()}”.`;
    }
  } else if (shelf.trouble) {
    words = shelf.trouble;
  } else if (library.view === 'deleted') {
    words = shelf.deleted === null ? 'Looking' : empty ? 'Nothing has been deleted.' : '';
  } else if (empty) {
    words = shelf.loading
      ? 'Looking'
      : library.order === 'project'
        ? 'There is no project yet. Make one, and move conversations into it.'
        : 'No conversations yet. What you ask is kept here.';
  }
  const again =
    !searching && shelf.trouble
      ? () => void (library.view === 'deleted' ? shelf.loadDeleted() : shelf.load())
      : searching && finding.trouble
        ? () => finding.set(finding.words)
        : null;
  return (
    <div className="tether-drawerSaid" data-testid="tether-drawerSaid">
      <span role="status">{words}</span>
      {again && (
        <button type="button" className="tether-button" onClick={again}>
          Try again
        </button>
      )}
      {searching && empty && narrowed && !finding.busy && !finding.trouble && (
        <button
          type="button"
          className="tether-button"
          data-testid="tether-searchEverywhere"
          onClick={() => finding.set(finding.words, {})}
        >
          Search everywhere
        </button>
      )}
    </div>
  );
}

function OrderSwitch({ library }: { library: Library }): JSX.Element {
  return (
    <div className="tether-order" role="group" aria-label="How conversations are grouped">
      {(['time', 'project'] as const).map(order => (
        <button
          key={order}
          type="button"
          className="tether-orderButton"
          data-testid={`tether-by-${order}`}
          aria-pressed={library.order === order}
          onClick={() => library.arrange(order)}
        >
          {order === 'time' ? 'By time' : 'By project'}
        </button>
      ))}
      {library.order === 'project' && (
        <button
          type="button"
          className="tether-button tether-newProject"
          data-testid="tether-newProject"
          onClick={() => void library.newProject()}
        >
          New project
        </button>
      )}
    </div>
  );
}

function Foot({ library }: { library: Library }): JSX.Element {
  const back = library.view === 'deleted';
  return (
    <div className="tether-drawerFoot">
      <button
        type="button"
        className="tether-button"
        data-testid={back ? 'tether-showKept' : 'tether-showDeleted'}
        onClick={() => library.look(back ? 'kept' : 'deleted')}
      >
        {back ? 'Back to conversations' : 'Recently deleted'}
      </button>
      <button
        type="button"
        className="tether-button"
        data-testid="tether-import"
        onClick={() => library.chooseImport()}
      >
        Import
      </button>
    </div>
  );
}

/** What the drawer covers cannot be reached by keyboard as long as it is open. */
function useOnlyThis(drawer: React.RefObject<HTMLElement>): void {
  // At each change, as another conversation brings other elements.
  React.useEffect(() => {
    const siblings = [...(drawer.current?.parentElement?.children ?? [])];
    const covered = siblings.filter(each => !each.matches(UNCOVERED));
    covered.forEach(each => each.setAttribute('inert', ''));
    return () => covered.forEach(each => each.removeAttribute('inert'));
  });
}

const UNCOVERED = '.tether-head, .tether-drawer, .tether-scrim';
