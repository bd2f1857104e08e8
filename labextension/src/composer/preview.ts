import { ISignal, Signal } from '@lumino/signaling';

import type { IAsk } from '../chat/ask';
import { IPreview, previewOf } from '../server/preview';
import { asTurnError } from '../server/problems';
import type { IProblem } from '../server/events';
import type { IContext, IQuestion, TetherServer } from '../server/request';
import { Draft, DraftChange } from './draft';

/** What goes along is counted this long after it last changed, ms. */
const SETTLED_MS = 350;

/** Words are counted when their typing rests for so long, ms. */
const RESTED_MS = 700;

/** Where a question would be asked. */
export interface IPlace {
  conversation: string | null;
  notebook: string | null;
  /** What the question follows, where that is not the newest message. */
  parent: string | null;
  /** What the words name outright. */
  named: IContext[];
}

/** What a draft would send: counted when what goes along changes, and when typing rests. */
export class Preview {
  constructor(
    private _server: TetherServer,
    private _draft: Draft,
    private _place: () => IPlace
  ) {
    _draft.changed.connect(this._follow, this);
  }

  found: IPreview | null = null;
  /** Why it cannot be told, in words, which is why it could not be sent either. */
  problem: IProblem | null = null;
  /** Whether what goes along has changed since it was counted. */
  looking = false;

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Look when the draft has been left alone for a moment; an empty one has nothing to count. */
  soon(what: DraftChange = 'context'): void {
    this._cancel();
    if (this._draft.isEmpty) {
      if (this.found || this.problem || this.looking) {
        this.found = null;
        this.problem = null;
        this.looking = false;
        this._changed.emit();
      }
      return;
    }
    const words = what === 'words' && !this.looking;
    this._look(!words);
    this._timer = window.setTimeout(() => void this._ask(true), words ? RESTED_MS : SETTLED_MS);
  }

  /** Look now, at all that would be sent. */
  async now(): Promise<void> {
    this._look(true);
    await this._ask(false);
  }

  private _look(looking: boolean): void {
    if (looking !== this.looking) {
      this.looking = looking;
      this._changed.emit();
    }
  }

  private async _ask(brief: boolean): Promise<void> {
    this._cancel();
    const control = new AbortController();
    this._control = control;
    try {
      const found = await previewOf(
        this._server,
        questionOf(this._draft.peek(), this._place()),
        control.signal,
        brief
      );
      if (this._control === control) {
        this.found = found;
        this.problem = null;
      }
    } catch (reason) {
      if (this._control === control) {
        this.found = null;
        const { problem } = asTurnError(reason);
        // Of words alone, all that is not about their length is said elsewhere.
        const along = this._draft.chips.length + this._draft.attachments.length > 0;
        this.problem = along || !brief || problem.type === 'context_overflow' ? problem : null;
      }
    } finally {
      if (this._control === control) {
        this._control = null;
        this.looking = false;
        this._changed.emit();
      }
    }
  }

  dispose(): void {
    this._cancel();
    Signal.clearData(this);
  }

  private _follow(_: Draft, what: DraftChange): void {
    this.soon(what);
  }

  private _cancel(): void {
    window.clearTimeout(this._timer);
    this._control?.abort();
    this._control = null;
  }

  private _timer = 0;
  private _control: AbortController | null = null;
  private _changed = new Signal<this, void>(this);
}

/** The request that a question makes. One without words is counted as if it had a short one. */
export function questionOf(ask: IAsk, place: IPlace): IQuestion {
  return {
    ...ask.options,
    message: ask.words.trim() || '…',
    ...(place.notebook !== null && { notebook: place.notebook }),
    ...(place.conversation !== null && { conversation_id: place.conversation }),
    ...(place.conversation !== null && place.parent !== null && { parent_id: place.parent }),
    context: [...place.named, ...ask.context],
    attachments: ask.attachments.map(each => each.id)
  };
}
