import { ISignal, Signal } from '@lumino/signaling';

import type { IAsk, IAttachment } from '../chat/ask';
import type { IAskOptions, IContext } from '../server/request';
import { chipOf, IChip, pieceOf, variableChip } from './chip';
import { Kept } from './kept';
import { chosenFrom, chosenOf, IChosen, merged, ownOf } from './options';

/** What of a draft changed: its words alone, or what goes with them. */
export type DraftChange = 'words' | 'context' | 'options';

/** Where words are kept over a reload; the browser's `sessionStorage`, or nothing. */
export type WordStore = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

const WRITTEN = 'tether:draft:';
const CHOSEN = 'tether:chosen:';

/** A question that is being written: its words, what goes along, and what it is asked with. */
export class Draft {
  constructor(store: WordStore | null = sessionStore()) {
    this._written = new Kept(WRITTEN, store);
    this._kept = new Kept(CHOSEN, store);
  }

  get words(): string {
    return this._words;
  }

  set words(words: string) {
    if (words !== this._words) {
      this._words = words;
      this._isFound = false;
      if (!words.trim() && !this._editing) {
        // The question is gone that it belonged to; the next one is another.
        this._own = {};
      }
      this._keep();
      this._changed.emit('words');
    }
  }

  get chips(): readonly IChip[] {
    return this._chips;
  }

  get attachments(): readonly IAttachment[] {
    return this._attachments;
  }

  /** The model, the preset and how much may be seen. They stay when the question is handed over. */
  get options(): IChosen {
    return this._chosen;
  }

  /** The question that is asked otherwise, or null. */
  get editing(): object | null {
    return this._editing?.question ?? null;
  }

  /** Nothing is typed, and nothing would go along. */
  get isEmpty(): boolean {
    return !this._words.trim() && !this._chips.length && !this._attachments.length;
  }

  get changed(): ISignal<this, DraftChange> {
    return this._changed;
  }

  /** Somebody put something in, and the user goes on with it. */
  get focusWanted(): ISignal<this, void> {
    return this._focusWanted;
  }

  focus(): void {
    this._focusWanted.emit();
  }

  /**
   * Keep what is written, what goes along and the choices under this name for as long as the tab lives, and take up
   * what was kept; words that were typed since the page was opened are not mixed with it.
   */
  keepAs(name: string): void {
    this._kept.keepAs(name, found => this.choose(merged(chosenFrom(found), this._chosen)));
    this._written.keepAs(name, found => {
      const kept = writtenFrom(found);
      if (this._words || !(kept.words || kept.chips.length || kept.attachments.length)) {
        this._keep();
        return;
      }
      const chips = kept.chips.filter(each => !this._chips.some(mine => mine.key === each.key));
      const files = kept.attachments.filter(
        each => !this._attachments.some(mine => mine.id === each.id)
      );
      this._put(kept.words, [...chips, ...this._chips], [...files, ...this._attachments]);
      this._isFound = true;
    });
  }

  /** Empty it of a question that was heard: before a reload nobody could know that. */
  heard(words: string): void {
    if (this._isFound && this._words === words) {
      this._empty();
    }
  }

  /** Put something beside the words; what is there under the same key is replaced. */
  add(...chips: IChip[]): void {
    for (const chip of chips) {
      const at = this._chips.findIndex(each => each.key === chip.key);
      this._chips =
        at < 0
          ? [...this._chips, chip]
          : [...this._chips.slice(0, at), chip, ...this._chips.slice(at + 1)];
    }
    if (chips.length) {
      this._goesAlong();
    }
  }

  remove(key: string): void {
    const left = this._chips.filter(each => each.key !== key);
    if (left.length !== this._chips.length) {
      this._chips = left;
      this._goesAlong();
    }
  }

  attach(attachment: IAttachment): void {
    if (!this._attachments.some(each => each.id === attachment.id)) {
      this._attachments = [...this._attachments, attachment];
      this._goesAlong();
    }
  }

  detach(id: string): void {
    const left = this._attachments.filter(each => each.id !== id);
    if (left.length !== this._attachments.length) {
      this._attachments = left;
      this._goesAlong();
    }
  }

  /** Take everything away that would go along. */
  clearContext(): void {
    if (this._chips.length || this._attachments.length || Object.keys(this._own).length) {
      this._chips = [];
      this._attachments = [];
      this._own = {};
      this._goesAlong();
    }
  }

  /** Choose for this conversation; undefined takes a choice back to the usual. */
  choose(options: IChosen): void {
    this._chosen = chosenOf({ ...this._chosen, ...options });
    this._kept.put(this._chosen);
    this._changed.emit('options');
  }

  /** Take all choices back to the usual: a new conversation begins. */
  forget(): void {
    this.choose({ model: undefined, preset: undefined, see: undefined });
  }

  /** What would be asked, as it stands. */
  peek(): IAsk {
    const names = this._chips.filter(each => pieceOf(each) === null).map(each => each.name);
    const own = merged(this._own, { see: { names: names.length ? names : undefined } });
    return {
      words: this._words.trim(),
      context: this._chips.map(pieceOf).filter((each): each is IContext => each !== null),
      attachments: [...this._attachments],
      options: merged(this._chosen, own)
    };
  }

  /** Hand the question over, and begin a new one. */
  take(): IAsk {
    const ask = this.peek();
    const aside = this._editing?.aside ?? null;
    this._editing = null;
    this._empty();
    if (aside) {
      this.restore(aside);
    }
    return ask;
  }

  /** Put a question back, before what has been typed since. What was chosen for the conversation stays. */
  restore(ask: IAsk): void {
    const names = ask.options.see?.names ?? [];
    const chips = [...names.map(variableChip), ...ask.context.map(chipOf)];
    const known = new Set(chips.map(each => each.key));
    const ids = new Set(ask.attachments.map(each => each.id));
    // Names are chips.
    this._own = merged(
      this._own,
      ownOf({ ...ask.options, see: { ...ask.options.see, names: undefined } })
    );
    this._put(
      [ask.words, this._words].filter(each => each.trim()).join('\n\n'),
      [...chips, ...this._chips.filter(each => !known.has(each.key))],
      [...ask.attachments, ...this._attachments.filter(each => !ids.has(each.id))]
    );
  }

  /** Ask a question otherwise: what was being written is laid aside until then. */
  edit(question: object, ask: IAsk): void {
    const aside = this._editing?.aside ?? this.peek();
    this._empty();
    this._editing = { question, aside };
    this.restore(ask);
  }

  /** Leave the question as it was, and go on with what was laid aside. */
  cancelEdit(): void {
    if (this._editing) {
      const { aside } = this._editing;
      this._editing = null;
      this._empty();
      this.restore(aside);
    }
  }

  private _empty(): void {
    this._own = {};
    this._put('', [], []);
  }

  private _put(words: string, chips: readonly IChip[], attachments: readonly IAttachment[]): void {
    this._isFound = false;
    this._words = words;
    this._chips = chips;
    this._attachments = attachments;
    this._keep();
    this._changed.emit('words');
    this._changed.emit('context');
  }

  private _keep(): void {
    // Words that only stand for a question asked before are not worth keeping.
    if (!this._editing) {
      const { _words: words, _chips: chips, _attachments: attachments } = this;
      const along = chips.length + attachments.length > 0;
      const least = words ? { words } : {};
      this._written.put(along ? { words, chips, attachments } : least, least);
    }
  }

  private _goesAlong(): void {
    this._keep();
    this._changed.emit('context');
  }

  private _words = '';
  private _chips: readonly IChip[] = [];
  private _attachments: readonly IAttachment[] = [];
  private _chosen: IChosen = {};
  /** What belongs to the question that stands here alone, such as the error that it is about. */
  private _own: IAskOptions = {};
  /** Whether it stands as it was found after a reload. */
  private _isFound = false;
  private _editing: { question: object; aside: IAsk } | null = null;
  private _written: Kept;
  private _kept: Kept;
  private _changed = new Signal<this, DraftChange>(this);
  private _focusWanted = new Signal<this, void>(this);
}

/** Read what was kept of a draft; what is not known is none. */
function writtenFrom(found: unknown): {
  words: string;
  chips: IChip[];
  attachments: IAttachment[];
} {
  const { words, chips, attachments } = (found ?? {}) as Record<string, unknown>;
  return {
    words: typeof words === 'string' ? words : '',
    chips: Array.isArray(chips) ? chips.filter(isChip) : [],
    attachments: Array.isArray(attachments) ? attachments.filter(isAttachment) : []
  };
}

function isChip(found: unknown): found is IChip {
  const { key, kind, name, text, of } = (found ?? {}) as Partial<IChip>;
  const named = [key, kind, name].every(each => typeof each === 'string');
  return (
    named && (text === null || typeof text === 'string') && (of === null || Number.isFinite(of))
  );
}

function isAttachment(found: unknown): found is IAttachment {
  const { id, name, size, mime } = (found ?? {}) as Partial<IAttachment>;
  return [id, name, mime].every(each => typeof each === 'string') && Number.isFinite(size);
}

/** Where the tab keeps what is typed, if it may. */
export function sessionStore(): WordStore | null {
  try {
    return typeof window === 'undefined' ? null : window.sessionStorage;
  } catch {
    return null;
  }
}
