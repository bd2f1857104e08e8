import { ISignal, Signal } from '@lumino/signaling';

import { IProblem, IUsage, TurnEvent } from '../server/events';
import { ILoad } from '../server/models';
import { IContext, IStoredMessage, TurnError } from '../server/request';
import { isOver, Phase } from './words';

/** The words that were asked and what of the notebook went with them. */
export class Question {
  constructor(
    readonly words: string,
    readonly context: IContext[] = []
  ) {}
}

/** One answer as it grows. It knows nothing of how it is shown. */
export class Answer {
  constructor(readonly question: Question | null) {}

  /** Make the answer of a message that was stored, already over. */
  static stored(message: IStoredMessage, question: Question | null): Answer {
    const answer = new Answer(question);
    answer.id = message.id;
    answer.text = message.content;
    answer.model = message.model;
    answer.usage = message.usage;
    answer.finish = message.finish_reason;
    // How long to wait was told when it failed, which is past.
    answer.problem = message.error && { ...message.error, retry_after: undefined };
    answer._phase = message.error
      ? 'failed'
      : message.finish_reason === 'cancelled'
        ? 'stopped'
        : 'done';
    return answer;
  }

  /** The server's id, once it has told it. */
  id: string | null = null;
  /** The id under which the server stored the question. */
  questionId: string | null = null;
  text = '';
  thought = '';
  model: string | null = null;
  usage: IUsage | null = null;
  finish: string | null = null;
  problem: IProblem | null = null;
  position = 0;
  /** How far the model is loaded, while it is being loaded. */
  load: ILoad | null = null;

  get phase(): Phase {
    return this._phase;
  }

  get over(): boolean {
    return isOver(this._phase);
  }

  /** Seconds in the present phase. */
  get lasted(): number {
    return (performance.now() - this._since) / 1000;
  }

  get changed(): ISignal<this, 'text' | 'phase'> {
    return this._changed;
  }

  enter(phase: Phase): void {
    if (phase !== this._phase) {
      this._phase = phase;
      this._since = performance.now();
    }
    this._changed.emit('phase');
  }

  /** Take one event of the stream in. */
  take(event: TurnEvent): void {
    const stopping = this._phase === 'stopping';
    if ('meta' in event) {
      this.id = event.meta.id;
      this.questionId = event.meta.parent_id;
      this.model = event.meta.model;
      this._move('waiting');
    } else if ('queued' in event) {
      this.position = event.queued.position;
      this._move('queued');
    } else if ('thinking' in event) {
      this.thought += event.thinking;
      this._move('thinking');
    } else if ('delta' in event) {
      this.text += event.delta;
      if (this._phase !== 'writing') {
        this._move('writing');
      }
      this._changed.emit('text');
    } else if ('usage' in event) {
      this.usage = event.usage;
    } else if ('error' in event) {
      this.fail(new TurnError(event.error));
    } else if ('done' in event) {
      this.finish = event.finish_reason;
      this.enter(stopping || this.finish === 'cancelled' ? 'stopped' : 'done');
    }
  }

  /** Say how far the model is loaded, or with null that it is; of no account once it answers. */
  loading(load: ILoad | null): void {
    if (this._phase === 'waiting' || this._phase === 'loading') {
      this.load = load;
      this.enter(load ? 'loading' : 'waiting');
    }
  }

  /** End with a failure; what arrived is kept. */
  fail(reason: TurnError): void {
    this.problem = reason.problem;
    this.enter('failed');
  }

  private _move(phase: Phase): void {
    if (this._phase !== 'stopping') {
      this.enter(phase);
    }
  }

  private _phase: Phase = 'sending';
  private _since = performance.now();
  private _changed = new Signal<this, 'text' | 'phase'>(this);
}
