import React from 'react';

import { useSignals } from '../chat/hooks';
import { composing, sends } from '../keys';
import { Draft } from './draft';
import { Listbox } from './listbox';
import { Lists } from './lists';
import { IChoice, Mentions } from './mentions';
import { useNaming } from './naming';
import { endsLine, replaced } from './typed';

const MENU = 'tether-naming';
const ROWS = 8;

interface IProps {
  /** What is asked here. */
  title: string;
  draft: Draft;
  mentions: Mentions;
  lists: Lists;
  busy: boolean;
  sendWithShiftEnter: boolean;
  onSend: () => void;
  /** A command was picked from the menu, whole. */
  onCommand: (line: string) => void;
  onPath: (path: string) => void;
  onFiles: (files: File[]) => void;
  onStop: () => void;
  onEditLast: () => void;
  onTyped: () => void;
}

/** The field that grows, and the menu of what can be named in it. */
export function Field(props: IProps): JSX.Element {
  const { draft, mentions, lists, busy } = props;
  useSignals(draft.changed);
  const field = React.useRef<HTMLTextAreaElement>(null);
  /** Where the caret goes once the new words are shown. */
  const caret = React.useRef<number | null>(null);
  const naming = useNaming(mentions, lists);
  const listed = naming.open && naming.choices.length > 0;
  const words = draft.words;

  React.useLayoutEffect(() => {
    const node = field.current;
    if (node) {
      grow(node);
      if (caret.current !== null) {
        node.setSelectionRange(caret.current, caret.current);
        naming.follow(node.value, caret.current);
        caret.current = null;
      } else {
        // Words that somebody else put in count as well: `/help` is only a slash.
        naming.follow(node.value, document.activeElement === node ? node.selectionEnd : 0);
      }
    }
  }, [words]);
  React.useEffect(() => {
    const node = field.current;
    const focus = () => {
      node?.focus();
      node?.setSelectionRange(node.value.length, node.value.length);
      naming.again(draft.words);
    };
    draft.focusWanted.connect(focus);
    const watched = new ResizeObserver(() => node && grow(node));
    if (node) {
      watched.observe(node);
    }
    return () => {
      draft.focusWanted.disconnect(focus);
      watched.disconnect();
    };
  }, [draft]);

  const pick = (choice: IChoice) => {
    const typed = naming.typed;
    if (!typed) {
      return;
    }
    if (!choice.more && endsLine(words, typed)) {
      naming.leave();
      props.onCommand(choice.put);
      return;
    }
    if (!choice.more && typed.sign === '/') {
      // The line is sent as a whole, by the next Enter.
      naming.close();
    }
    const next = replaced(words, typed, choice.put, choice.more);
    // Words that stay as they are show nothing anew, and leave the caret where it is.
    caret.current = next.words === words ? null : next.caret;
    draft.words = next.words;
    if (choice.chip) {
      draft.add(choice.chip);
    }
    if (choice.path) {
      props.onPath(choice.path);
    }
    field.current?.focus();
  };

  const inMenu = (event: React.KeyboardEvent): boolean => {
    const { choices, active, setActive } = naming;
    if (!listed && event.key !== 'Escape') {
      // A note alone is no menu: Enter sends.
      return false;
    }
    const last = choices.length - 1;
    switch (event.key) {
      case 'ArrowDown':
        setActive(active === last ? 0 : active + 1);
        return true;
      case 'ArrowUp':
        setActive(active === 0 ? last : active - 1);
        return true;
      case 'Home':
        setActive(0);
        return true;
      case 'End':
        setActive(last);
        return true;
      case 'Enter':
      case 'Tab':
        if (event.shiftKey) {
          return false;
        }
        pick(choices[active]);
        return true;
      case 'Escape':
        naming.close();
        return true;
    }
    return false;
  };

  const onKeyDown = (event: React.KeyboardEvent) => {
    if (composing(event)) {
      return;
    }
    const plain = !event.altKey && !event.ctrlKey && !event.metaKey;
    if (naming.open && plain && inMenu(event)) {
      taken(event);
    } else if (sends(event, props.sendWithShiftEnter)) {
      taken(event);
      props.onSend();
    } else if (event.key === 'Escape' && (busy || draft.editing)) {
      taken(event);
      if (busy) {
        props.onStop();
      } else {
        draft.cancelEdit();
      }
    } else if (event.key === 'ArrowUp' && plain && !event.shiftKey && !words) {
      taken(event);
      props.onEditLast();
    }
  };

  const follow = () => {
    const node = field.current;
    if (node && node.selectionStart === node.selectionEnd) {
      naming.follow(node.value, node.selectionStart);
    }
  };

  return (
    <div className="tether-words">
      {naming.open && (
        <Listbox
          id={MENU}
          label={naming.typed?.sign === '/' ? 'Commands' : 'What can be named'}
          choices={naming.choices}
          active={naming.active}
          note={naming.note}
          onActive={naming.setActive}
          onPick={pick}
        />
      )}
      <textarea
        ref={field}
        rows={1}
        value={words}
        placeholder={props.title}
        aria-label={props.title}
        aria-autocomplete="list"
        aria-haspopup="listbox"
        aria-controls={listed ? MENU : undefined}
        aria-activedescendant={listed ? `${MENU}-${naming.active}` : undefined}
        onChange={event => {
          draft.words = event.target.value;
          props.onTyped();
          naming.follow(event.target.value, event.target.selectionStart);
        }}
        onSelect={follow}
        onKeyDown={onKeyDown}
        onBlur={() => naming.leave()}
        onPaste={event => {
          const files = [...event.clipboardData.files];
          // A picture copied from a spreadsheet comes with its text, which is what is meant.
          if (files.length && !event.clipboardData.getData('text/plain')) {
            event.preventDefault();
            props.onFiles(files);
          }
        }}
      />
      <span className="tether-spoken" role="status">
        {listed
          ? `${naming.choices.length} to choose from. Up and down to move, Enter to take one.`
          : naming.open
            ? naming.note
            : ''}
      </span>
    </div>
  );
}

function taken(event: React.KeyboardEvent): void {
  event.preventDefault();
  event.stopPropagation();
}

/** As high as its words, up to eight lines; from there on it scrolls. */
function grow(node: HTMLTextAreaElement): void {
  if (CSS.supports('field-sizing', 'content')) {
    // The browser does it, and need not lay the page out twice for a key.
    return;
  }
  const style = getComputedStyle(node);
  const edges = parseFloat(style.paddingTop) + parseFloat(style.paddingBottom);
  const most = Math.ceil(ROWS * parseFloat(style.lineHeight) + edges);
  node.style.height = 'auto';
  node.style.height = `${Math.min(node.scrollHeight, most)}px`;
  node.style.overflowY = node.scrollHeight > most ? 'auto' : 'hidden';
}
