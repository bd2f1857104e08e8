import React from 'react';

import { useSignals } from '../chat/hooks';
import { COMMANDS, LEVEL_WORDS, LEVELS } from './commands';
import { Lists } from './lists';
import { IChoice, Mentions } from './mentions';
import { filtered, ITyped, typedAt } from './typed';

/** The menu of what can be named at the caret, as the field drives it. */
export interface INaming {
  typed: ITyped | null;
  choices: readonly IChoice[];
  active: number;
  note: string | null;
  open: boolean;
  setActive: (at: number) => void;
  /** The words or the caret changed. */
  follow: (words: string, caret: number) => void;
  /** Closed with Esc, it stays closed while the same is typed on. */
  close: () => void;
  /** Somebody put words in: what was closed in others says nothing of these. */
  again: (words: string) => void;
  /** The field lost the focus. */
  leave: () => void;
}

export function useNaming(mentions: Mentions, lists: Lists): INaming {
  useSignals(mentions.changed, lists.changed);
  const [typed, setTyped] = React.useState<ITyped | null>(null);
  const [active, setActive] = React.useState(0);
  const closed = React.useRef<number | null>(null);
  const follow = (words: string, caret: number) => {
    const found = typedAt(words, caret);
    if (found?.start !== closed.current) {
      closed.current = null;
    }
    const next = found && closed.current === null ? found : null;
    if (next?.sign === '@' && typed?.start !== next.start) {
      mentions.begin();
    }
    if (next?.sign === '/') {
      void lists.lookModels();
      void lists.lookPresets();
    }
    if (
      next?.sign !== typed?.sign ||
      next?.query !== typed?.query ||
      next?.start !== typed?.start
    ) {
      setActive(0);
      setTyped(next);
    } else if (next && next.end !== typed?.end) {
      setTyped(next);
    }
  };
  const note = typed?.sign === '@' ? mentions.note : null;
  const choices = !typed
    ? []
    : typed.sign === '@'
      ? mentions.choices(typed.query)
      : commandChoices(typed.query, lists);
  return {
    typed,
    choices,
    active: Math.min(active, Math.max(choices.length - 1, 0)),
    note,
    // Where nothing that was typed is listed, the note may be the reason.
    open: typed !== null && (choices.length > 0 || note !== null),
    setActive,
    follow,
    close: () => {
      closed.current = typed?.start ?? null;
      setTyped(null);
    },
    again: words => {
      closed.current = null;
      follow(words, words.length);
    },
    leave: () => setTyped(null)
  };
}

/** The commands that begin as it was typed, or what can stand behind the one that is. */
export function commandChoices(query: string, lists: Lists): IChoice[] {
  const blank = query.indexOf(' ');
  if (blank < 0) {
    return filtered(COMMANDS, query, each => each.name)
      .filter(each => each.name.startsWith(query.toLowerCase()))
      .map(({ name, takes, words }) => ({
        key: `/${name}`,
        group: 'Commands',
        label: takes ? `/${name} ${takes}` : `/${name}`,
        detail: words,
        put: takes ? `/${name} ` : `/${name}`,
        more: Boolean(takes)
      }));
  }
  const name = query.slice(0, blank).toLowerCase();
  const rest = query.slice(blank + 1).trim();
  const lines: { label: string; detail: string }[] =
    name === 'model'
      ? lists.models.map(each => ({ label: each.name, detail: each.place ?? each.backend }))
      : name === 'preset'
        ? lists.presets.map(each => ({ label: each.name, detail: each.active ? 'in use' : '' }))
        : name === 'see'
          ? LEVELS.map(each => ({ label: each, detail: LEVEL_WORDS[each] }))
          : name === 'clear'
            ? [{ label: 'context', detail: 'Take away everything that would go along' }]
            : [];
  return filtered(lines, rest, each => each.label).map(({ label, detail }) => ({
    key: `/${name} ${label}`,
    group: `/${name}`,
    label,
    detail,
    put: `/${name} ${label}`
  }));
}
