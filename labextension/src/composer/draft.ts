import { ISignal, Signal } from '@lumino/signaling';

import type { IAsk, IAttachment } from '../chat/ask';
import type { IAskOptions, IContext } from '../server/request';

/** What is being written and has not been sent. */
export class Draft {
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get words(): string {
    return this._words;
  }

  set words(words: string) {
    this._words = words;
    this._changed.emit();
  }

  readonly context: IContext[] = [];
  readonly attachments: IAttachment[] = [];
  options: IAskOptions = {};

  get isEmpty(): boolean {
    return !this._words.trim();
  }

  /** Hand over what was written, and begin anew. */
  take(): IAsk {
    const { context, attachments, options } = this;
    const taken = {
      words: this._words.trim(),
      context: context.splice(0),
      attachments: attachments.splice(0),
      options: { ...options }
    };
    this.words = '';
    return taken;
  }

  /** Put back what was taken, before what has been written since. */
  restore(ask: IAsk): void {
    this.context.unshift(...ask.context);
    this.attachments.unshift(...ask.attachments);
    this.words = [ask.words, this._words].filter(Boolean).join('\n');
  }

  private _words = '';
  private _changed = new Signal<this, void>(this);
}
