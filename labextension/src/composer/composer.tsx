import React from 'react';

import { Answer, Question } from '../chat/answer';
import type { IAsk } from '../chat/ask';
import { useSignals } from '../chat/hooks';
import { TOO_LONG } from '../chat/question';
import type { Rooms } from '../chat/rooms';
import { keptName, type Thread } from '../chat/thread';
import { invitation } from '../notebook/read';
import { asTurnError } from '../server/problems';
import { handOver } from './asking';
import { choose, Menu, menuOf } from './choosing';
import { obey } from './commander';
import { doubtOf, parse } from './commands';
import { useDrop } from './drop';
import { Field } from './field';
import { Footer } from './footer';
import { fullness } from './gauge';
import { isPicture, unseenWords } from './pictures';
import { partsOf } from './parts';
import { Popover } from './popover';
import { Preview } from './preview';
import { Queue } from './queue';
import { Row } from './row';
import { IPiece, showAll, showPiece } from './sheet';

/** From here on there is room for every button, px. */
const WIDE = 560;
const NARROW = 360;

interface IProps {
  rooms: Rooms;
  thread: Thread;
}

/** Where questions are written, with all that goes along. */
export function Composer({ rooms, thread }: IProps): JSX.Element {
  const { draft } = thread;
  const { lists, mentions, files } = partsOf(rooms, thread);
  useSignals(thread.changed, thread.stateChanged, rooms.changed, lists.changed, files.changed);
  useSignals(draft.changed);
  const root = React.useRef<HTMLDivElement>(null);
  const chooser = React.useRef<HTMLInputElement>(null);
  const [menu, setMenu] = React.useState<Menu | null>(null);
  const [hint, setHint] = React.useState<string | null>(null);
  /** Words that begin with a slash and were told to be no command. */
  const warned = React.useRef<string | null>(null);
  const width = useWidth(root);
  const preview = React.useMemo(
    () =>
      new Preview(rooms.server, draft, () => ({
        conversation: thread.id,
        notebook: thread.notebook,
        parent: thread.parentFor(draft.editing as Question | null),
        named: namedIn(thread)
      })),
    [rooms, thread]
  );
  useSignals(preview.changed);
  React.useEffect(() => {
    preview.soon();
    return () => preview.dispose();
  }, [preview]);
  const { over, handlers } = useDrop(root, draft, files);
  React.useEffect(() => {
    thread.keepAs(keptName(thread));
  });
  React.useEffect(() => {
    if (rooms.health) {
      void lists.lookUsual();
    }
    if (rooms.health && lists.usual && lists.inForce(undefined, rooms.health)?.place === '') {
      // Another model than the server's own answers here: where it runs is in the list alone.
      void lists.lookModels();
    }
  }, [rooms.health !== null, lists.usual]);
  const last = lastAnswer(thread);
  React.useEffect(() => {
    if (last?.usage) {
      void lists.lookModels();
    }
  }, [Boolean(last?.usage)]);

  const pictures = draft.attachments.filter(each => isPicture(each.mime));
  React.useEffect(() => {
    if (pictures.length) {
      void lists.lookModels();
    }
  }, [pictures.length > 0]);

  const busy = thread.busy;
  const model = lists.inForce(draft.options.model, rooms.health);
  const full = fullness(
    preview.found?.tokens ?? usedBy(last),
    preview.found?.window ?? model?.window ?? null,
    preview.found !== null && !draft.isEmpty,
    preview.found
  );
  const problem = preview.problem?.type === 'connection_lost' ? null : preview.problem;
  const unseen = model ? unseenWords(model, pictures) : null;
  const warning = unseen ?? problem?.message ?? (full && full.state !== 'low' ? full.words : null);

  const send = () => {
    const parsed = parse(draft.words);
    const doubt = doubtOf(parsed);
    const stuck = whyNot();
    if (parsed.kind === 'command') {
      void run(draft.words);
    } else if (doubt && warned.current !== draft.words) {
      warned.current = draft.words;
      setHint(doubt);
    } else if (stuck) {
      setHint(stuck);
    } else if (!draft.words.trim()) {
      setHint(draft.isEmpty ? null : 'Type a question to send with it.');
    } else {
      setHint(null);
      void handOver(thread, files).then(told => told && setHint(told));
    }
  };
  /** Why nothing can be sent now that takes along what is here. */
  const whyNot = (): string | null => {
    if (files.busy) {
      return 'A file is still on its way. Send again when it is there.';
    }
    // It stands above the field; the question would come back unanswered.
    return unseen === null ? null : 'Not sent: the words are kept.';
  };
  const run = async (line: string) => {
    const parsed = parse(line);
    const asks = parsed.kind === 'command' && parsed.name === 'new' && parsed.rest !== '';
    setHint((asks && whyNot()) || (await obey(line, { rooms, thread, lists, files })));
    draft.focus();
  };
  const editLast = async () => {
    const waiting = thread.queued[thread.queued.length - 1];
    const question = [...thread.said].reverse().find(each => each instanceof Question);
    if (waiting) {
      back(waiting);
    } else if (question instanceof Question) {
      try {
        setHint((await thread.reword(question)) ? null : TOO_LONG);
      } catch (reason) {
        setHint(asTurnError(reason).problem.message);
      }
      draft.focus();
    }
  };
  const back = (ask: IAsk) => {
    thread.unqueue(ask);
    draft.restore(ask);
    draft.focus();
  };
  const openMenu = (which: Menu) => {
    setMenu(menu === which ? null : which);
    if (which === 'model') {
      void lists.lookModels(true);
      void lists.lookUsual(true);
    } else if (which === 'preset') {
      void lists.lookPresets(true);
    } else if (which === 'prompts') {
      void lists.lookPrompts(true);
    }
  };
  const closeMenu = (isBack: boolean) => {
    const button = menu && root.current?.querySelector<HTMLElement>(`[data-menu=${menu}]`);
    const other = root.current?.querySelector<HTMLElement>('[data-menu=more]');
    setMenu(null);
    if (isBack) {
      (button ?? other)?.focus();
    }
  };
  const look = async (piece: IPiece) => {
    await preview.now();
    await showPiece(piece, preview.found, preview.problem);
  };
  const all = async () => {
    await preview.now();
    await showAll(preview.found, preview.problem, Boolean(draft.words.trim()));
    preview.soon();
  };
  const picked = async (key: string) => {
    if (menu === 'more') {
      if (key === 'attach') {
        closeMenu(true);
        chooser.current?.click();
      } else if (key === 'all') {
        closeMenu(true);
        await all();
      } else {
        openMenu(key as Menu);
      }
      return;
    }
    closeMenu(menu !== 'prompts');
    if (menu) {
      try {
        await choose(menu, key, draft, lists);
      } catch (reason) {
        setHint(asTurnError(reason).problem.message);
      }
    }
    if (menu === 'prompts') {
      draft.focus();
    }
  };
  const shown = menu && menuOf(menu, draft, lists, rooms.health);
  const keys = rooms.sendWithShiftEnter ? 'Shift+Enter' : 'Enter';
  return (
    <div
      ref={root}
      className={`tether-input tether-Composer${over ? ' tether-mod-over' : ''}`}
      data-testid="tether-composer"
      {...handlers}
    >
      <Queue
        queued={thread.queued}
        isHeld={!busy}
        onAsk={ask => void thread.sendQueued(ask)}
        onBack={back}
      />
      {draft.editing && (
        <div className="tether-editing" data-testid="tether-editing">
          Editing
          <span aria-hidden="true"> · </span>
          <button type="button" className="tether-linkButton" onClick={() => draft.cancelEdit()}>
            Cancel
          </button>
        </div>
      )}
      <Row
        draft={draft}
        files={files}
        preview={preview}
        named={namedIn(thread)}
        onShow={piece => void look(piece)}
        onDismiss={piece => {
          thread.dismiss(piece);
          preview.soon();
          draft.focus();
        }}
        onAll={() => void all()}
      />
      <div className="tether-hints" role="status" data-testid="tether-hint">
        {warning && <p className="tether-warning">{warning}</p>}
        {hint && <p>{hint}</p>}
      </div>
      <div className="tether-box">
        {shown && (
          <Popover
            label={shown.label}
            items={shown.items}
            note={shown.note}
            onPick={key => void picked(key)}
            onClose={closeMenu}
          />
        )}
        <Field
          title={invitation(thread, rooms.open)}
          draft={draft}
          mentions={mentions}
          lists={lists}
          busy={busy}
          sendWithShiftEnter={rooms.sendWithShiftEnter}
          onSend={send}
          onCommand={line => void run(line)}
          onPath={path => files.addPath(path)}
          onFiles={given => files.add(given)}
          onStop={() => void thread.stop()}
          onEditLast={() => void editLast()}
          onTyped={() => setHint(null)}
        />
        <Footer
          draft={draft}
          model={model}
          full={full}
          busy={busy}
          canSend={Boolean(draft.words.trim()) && !files.busy}
          sendTitle={files.busy ? 'A file is still on its way' : `Send (${keys})`}
          width={width >= WIDE ? 'wide' : width < NARROW ? 'narrow' : 'normal'}
          open={menu}
          onMenu={openMenu}
          onAttach={() => chooser.current?.click()}
          onAll={() => void all()}
          onSend={() => {
            send();
            draft.focus();
          }}
          onStop={() => {
            void thread.stop();
            draft.focus();
          }}
        />
      </div>
      <input
        ref={chooser}
        type="file"
        multiple
        hidden
        data-testid="tether-chooser"
        onChange={event => {
          files.add([...(event.target.files ?? [])]);
          event.target.value = '';
          draft.focus();
        }}
      />
    </div>
  );
}

/** What the typed words name outright, which goes along without being chosen. */
function namedIn(thread: Thread) {
  return thread.named(thread.draft.words, thread.draft.chips);
}

function lastAnswer(thread: Thread): Answer | null {
  const found = [...thread.said].reverse().find(each => each instanceof Answer);
  return found instanceof Answer ? found : null;
}

/** What the conversation takes of the window, by the last answer's own figures. */
function usedBy(answer: Answer | null): number | null {
  const asked = answer?.usage?.prompt_tokens ?? null;
  return asked === null ? null : asked + (answer?.usage?.completion_tokens ?? 0);
}

function useWidth(root: React.RefObject<HTMLElement>): number {
  const [width, setWidth] = React.useState(0);
  React.useLayoutEffect(() => {
    const node = root.current;
    if (!node) {
      return;
    }
    setWidth(node.offsetWidth);
    const watched = new ResizeObserver(() => setWidth(node.offsetWidth));
    watched.observe(node);
    return () => watched.disconnect();
  }, []);
  return width;
}
