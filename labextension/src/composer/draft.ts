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

const PREFIX = 'tether:draft:';
const CHOSEN = 'tether:chosen:';

/** A question that is being written: its words, what goes along, and what it is asked with. */
export class Draft {
  constructor(private _store: WordStore | null = sessionStore()) {
    this._kept = new Kept(CHOSEN, _store);
  }

  get words(): string {
    return this._words;
  }

  set words(words: string) {
    if (words !== this._words) {
      this._words = words;
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

  /** Keep words and choices under this name for as long as the tab lives, and take up those that were kept. */
  keepAs(name: string): void {
    this._kept.keepAs(name, found => this.choose(merged(chosenFrom(found), this._chosen)));
    const key = PREFIX + name;
    if (key === this._key) {
      return;
    }
    if (this._key) {
      this._store?.removeItem(this._key);
    }
    this._key = key;
    const kept = this._words ? null : (this._store?.getItem(key) ?? null);
    if (kept) {
      this.words = kept;
    } else {
      this._keep();
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
      this._changed.emit('context');
    }
  }

  remove(key: string): void {
    const left = this._chips.filter(each => each.key !== key);
    if (left.length !== this._chips.length) {
      this._chips = left;
      this._changed.emit('context');
    }
  }

  attach(attachment: IAttachment): void {
    if (!this._attachments.some(each => each.id === attachment.id)) {
      this._attachments = [...this._attachments, attachment];
      this._changed.emit('context');
    }
  }

  detach(id: string): void {
    const left = this._attachments.filter(each => each.id !== id);
    if (left.length !== this._attachments.length) {
      this._attachments = left;
      this._changed.emit('context');
    }
  }

  /** Take everything away that would go along. */
  clearContext(): void {
    if (this._chips.length || this._attachments.length || Object.keys(this._own).length) {
      this._chips = [];
      this._attachments = [];
      this._own = {};
      this._changed.emit('context');
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
    this._words = words;
    this._chips = chips;
    this._attachments = attachments;
    this._keep();
    this._changed.emit('words');
    this._changed.emit('context');
  }

  private _keep(): void {
    // Words that only stand for a question asked before are not worth keeping.
    if (!this._key || this._editing) {
      return;
    }
    try {
      if (this._words) {
        this._store?.setItem(this._key, this._words);
      } else {
        this._store?.removeItem(this._key);
      }
    } catch {
      // A full or forbidden store: a reload loses the words, and typing goes on.
    }
  }

  private _words = '';
  private _chips: readonly IChip[] = [];
  private _attachments: readonly IAttachment[] = [];
  private _chosen: IChosen = {};
  /** What belongs to the question that stands here alone, such as the error that it is about. */
  private _own: IAskOptions = {};
  private _editing: { question: object; aside: IAsk } | null = null;
  private _key = '';
  private _kept: Kept;
  private _changed = new Signal<this, DraftChange>(this);
  private _focusWanted = new Signal<this, void>(this);
}

/** Where the tab keeps what is typed, if it may. */
export function sessionStore(): WordStore | null {
  try {
    return typeof window === 'undefined' ? null : window.sessionStorage;
  } catch {
    return null;
  }
}
