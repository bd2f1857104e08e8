import React from 'react';

import { useSignals } from '../chat/hooks';
import type { IThread } from '../server/threads';
import type { Library } from './library';
import { labelOf, RowContent } from './row';
import { heightOf, Row, scrolledTo, tops, visible } from './rows';

interface IProps {
  library: Library;
  rows: Row[];
  label: string;
  /** A row was chosen by a click or by Enter. */
  choose: (row: Row) => void;
  /** Something was typed that is meant for the search. */
  type: (key: string) => void;
  openMenu: (thread: IThread, at: HTMLElement) => void;
  /** The end of the list came into sight. */
  atEnd?: () => void;
}

/** A list of which only what is seen is drawn, however long it is. One row at a time can be reached by Tab. */
export function List(props: IProps): JSX.Element {
  const { library, rows, label, choose, openMenu, atEnd } = props;
  useSignals(library.changed, library.shelf.changed);
  const view = React.useRef<HTMLDivElement>(null);
  const [scroll, setScroll] = React.useState({ top: 0, height: 600 });
  const [activeKey, setActive] = React.useState<string | null>(null);
  const begins = React.useMemo(() => tops(rows), [rows]);
  const now = new Date();
  const lastAt = React.useRef(0);
  // A row that is gone, deleted for one, leaves its place to the next one.
  const known = rows.findIndex(row => row.key === activeKey);
  const active = known >= 0 ? known : Math.min(lastAt.current, rows.length - 1);
  lastAt.current = Math.max(0, active);

  React.useLayoutEffect(() => {
    const node = view.current!;
    const measure = () => setScroll({ top: node.scrollTop, height: node.clientHeight });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(node);
    return () => observer.disconnect();
  }, []);

  // Where the focus was in a row that is gone or was renamed, it comes to the active one.
  const hadFocus = React.useRef(false);
  React.useLayoutEffect(() => {
    const node = view.current!;
    const lost = document.activeElement === document.body || document.activeElement === null;
    if (hadFocus.current && lost) {
      node.querySelector<HTMLElement>('[role="treeitem"][tabindex="0"]')?.focus();
    }
  });

  const [first, last] = visible(begins, scroll.top, scroll.height);
  const end = begins[begins.length - 1] - scroll.top - scroll.height < 200;
  React.useEffect(() => {
    if (end) {
      atEnd?.();
    }
  }, [end, rows.length]);

  const moveTo = (index: number) => {
    const to = Math.max(0, Math.min(rows.length - 1, index));
    const node = view.current!;
    node.scrollTop = scrolledTo(begins, to, node.scrollTop, node.clientHeight);
    setActive(rows[to].key);
    setScroll({ top: node.scrollTop, height: node.clientHeight });
    // The row may have to be drawn first.
    requestAnimationFrame(() =>
      node.querySelector<HTMLElement>('[role="treeitem"][tabindex="0"]')?.focus()
    );
  };

  const shown = rows.map((_, i) => i).slice(first, last);
  if (rows.length && (active < first || active >= last)) {
    // Tab has to find it wherever the list was scrolled to.
    shown.push(active);
  }
  return (
    <div
      ref={view}
      className="tether-list"
      data-testid="tether-threadList"
      onScroll={event => {
        const node = event.currentTarget;
        setScroll({ top: node.scrollTop, height: node.clientHeight });
      }}
      onFocus={() => {
        hadFocus.current = true;
      }}
      onBlur={() => {
        // It is not told of what is removed, whose focus is lost: only of what somebody has left.
        hadFocus.current = false;
      }}
      onKeyDown={event => onKey(event, props, active, moveTo)}
    >
      <div role="tree" aria-label={label} style={{ height: begins[begins.length - 1] }}>
        {shown.map(i => {
          const row = rows[i];
          const isFront = row.kind === 'thread' && row.thread.id === library.stage.current.id;
          return (
            <div
              key={row.key}
              role="treeitem"
              aria-label={labelOf(row, library, now)}
              aria-level={row.kind === 'group' ? 1 : row.level}
              aria-setsize={row.size}
              aria-posinset={row.position}
              aria-expanded={row.kind === 'group' ? row.open : undefined}
              aria-current={isFront || undefined}
              tabIndex={i === active ? 0 : -1}
              className={`tether-row tether-mod-${row.kind}`}
              data-testid={`tether-${row.kind}`}
              data-id={row.kind === 'thread' ? row.thread.id : undefined}
              style={{ transform: `translateY(${begins[i]}px)`, height: heightOf(row) }}
              onFocus={() => setActive(row.key)}
              onClick={() => choose(row)}
              onContextMenu={event => {
                if (row.kind === 'thread' && !row.thread.deleted_at) {
                  event.preventDefault();
                  event.stopPropagation();
                  openMenu(row.thread, event.currentTarget);
                }
              }}
            >
              <RowContent row={row} library={library} now={now} openMenu={openMenu} />
            </div>
          );
        })}
      </div>
    </div>
  );
}

function onKey(
  event: React.KeyboardEvent<HTMLElement>,
  { library, rows, choose, type, openMenu }: IProps,
  active: number,
  moveTo: (index: number) => void
): void {
  const row = rows[active];
  const target = event.target as HTMLElement;
  if (!row || target.getAttribute('role') !== 'treeitem' || event.altKey) {
    return;
  }
  const thread = row.kind === 'thread' && !row.thread.deleted_at ? row.thread : null;
  const group = row.kind === 'group' ? row.group : null;
  const parent = () =>
    rows
      .slice(0, active)
      .map(each => each.kind)
      .lastIndexOf('group');
  const fold = (open: boolean) => group && library.fold(group.key, open);
  const isOpen = row.kind === 'group' && row.open;
  const actions: { [key: string]: () => unknown } = {
    ArrowDown: () => moveTo(active + 1),
    ArrowUp: () => moveTo(active - 1),
    PageDown: () => moveTo(active + 8),
    PageUp: () => moveTo(active - 8),
    Home: () => moveTo(0),
    End: () => moveTo(rows.length - 1),
    ArrowRight: () => (isOpen ? moveTo(active + 1) : fold(true)),
    ArrowLeft: () => (isOpen ? fold(false) : parent() >= 0 && !group && moveTo(parent())),
    Enter: () => choose(row),
    ' ': () => choose(row),
    F2: () => {
      const id = thread?.id ?? group?.project?.id;
      return id && library.rename({ in: 'list', id });
    },
    Delete: () =>
      thread
        ? library.remove(thread.id)
        : group?.project
          ? library.removeProject(group.project)
          : null,
    ContextMenu: () => thread && openMenu(thread, target)
  };
  const command = event.ctrlKey || event.metaKey;
  const key = event.key === 'F10' && event.shiftKey ? 'ContextMenu' : event.key;
  if (command && key.toLowerCase() === 'z') {
    void library.toast.undo();
  } else if (!command && actions[key]) {
    actions[key]();
  } else if (!command && key.length === 1) {
    type(key);
  } else {
    return;
  }
  event.preventDefault();
  // Lab's own shortcuts have no business with these keys.
  event.stopPropagation();
}
