import { UUID } from '@lumino/coreutils';
import { ISignal, Signal } from '@lumino/signaling';

import { merged } from '../composer/options';
import { IProblem, IUsage, TurnEvent } from '../server/events';
import { IStoredMessage, Reaction, textOf } from '../server/history';
import { ILoad } from '../server/models';
import { TurnError } from '../server/problems';
import type { IAskOptions, IContext } from '../server/request';
import type { IAsk, IAttachment } from './ask';
import { onceDrawn } from './drawn';
import { isOver, Phase } from './words';

/** The words that were asked and what went with them. */
export class Question implements IAsk {
  constructor(
    readonly words: string,
    public context: IContext[] = [],
    /** The server's id, once it has told it. */
    public id: string | null = null,
    readonly attachments: IAttachment[] = [],
    public options: IAskOptions = {}
  ) {}

  static of({ words, context, attachments, options }: IAsk): Question {
    return new Question(words, context, null, attachments, options);
  }

  /** The names of what went along, where the history tells no more than that; else null. */
  told: readonly string[] | null = null;

  /** The names of what went along, attachments apart. */
  get along(): readonly string[] {
    return (
      this.told ?? [...this.context.map(each => each.name), ...(this.options.see?.names ?? [])]
    );
  }

  /** Other words that are being written in its place, or null. */
  rewording: string | null = null;

  /** Take in what went along. Variables are looked at anew, those that the words name by the server itself. */
  recall(along: readonly IContext[]): void {
    const names = along.flatMap(({ kind, name }) => (kind === 'variable' ? name : []));
    const unnamed = names.filter(name => !this.words.includes(`@${name}`));
    this.context = along.filter(({ kind }) => kind !== 'variable');
    this.options = merged(this.options, { see: { names: unnamed.length ? unnamed : undefined } });
    this.told = null;
  }

  /** For React. */
  readonly key = UUID.uuid4();
  created = Date.now();
}

/** One answer as it grows. It knows nothing of how it is shown. */
export class Answer {
  constructor(readonly question: Question | null) {}

  /** Make the answer of a message that was stored, over or still being written. */
  static stored(message: IStoredMessage, question: Question | null): Answer {
    const answer = new Answer(question);
    answer.id = message.id;
    answer._keep(message);
    answer._phase = phaseOf(message);
    return answer;
  }

  /** For React. */
  readonly key = UUID.uuid4();
  created = Date.now();
  /** The server's id, once it has told it. */
  id: string | null = null;
  /** The answer that this one is written instead of. */
  instead: string | null = null;
  text = '';
  thought = '';
  model: string | null = null;
  usage: IUsage | null = null;
  finish: string | null = null;
  problem: IProblem | null = null;
  /** What its reader thinks of it. */
  reaction: Reaction | null = null;
  position = 0;
  /** How long a lost connection rests before it is tried again, seconds. */
  pause = 0;
  /** How far the model is loaded, while it is being loaded. */
  load: ILoad | null = null;

  get phase(): Phase {
    return this._phase;
  }

  get over(): boolean {
    return isOver(this._phase);
  }

  /** Whether it ended before the server told of it, or of its question: both may be nowhere but here. */
  get unheard(): boolean {
    const ended = this._phase === 'failed' || this._phase === 'stopped';
    return ended && this.id === null && (this.question?.id ?? null) === null;
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
    this._tell();
  }

  /** Take one event of the stream in. A stream that was joined again tells everything from the beginning. */
  take(event: TurnEvent): void {
    if ('meta' in event) {
      this.id = event.meta.id;
      this.model = event.meta.model;
      this._heard = '';
      this._thought = '';
      if (this.question) {
        this.question.id = event.meta.parent_id;
      }
    }
    if (this.over) {
      return;
    }
    if ('meta' in event) {
      this._move('waiting');
    } else if ('queued' in event) {
      this.position = event.queued.position;
      this._move('queued');
    } else if ('thinking' in event) {
      this._thought += event.thinking;
      if (this._thought.length > this.thought.length) {
        this.thought = this._thought;
      }
      this._move('thinking');
    } else if ('delta' in event) {
      this._heard += event.delta;
      if (!this.text && event.delta) {
        this._hold();
      }
      if (this._phase !== 'writing') {
        this._move('writing');
      }
      this._grow(this._heard);
    } else if ('usage' in event) {
      this.usage = event.usage;
    } else if ('error' in event) {
      this.fail(new TurnError(event.error));
    } else if ('done' in event) {
      this.finish = event.finish_reason;
      const stopped = this._phase === 'stopping' || this.finish === 'cancelled';
      this.enter(stopped ? 'stopped' : 'done');
    }
  }

  /** Take in what was kept of the answer, where its events are not to be had. */
  restore(message: IStoredMessage): void {
    this._keep(message);
    const phase = phaseOf(message);
    if (!isOver(phase)) {
      this._move(this.text ? 'writing' : 'waiting');
    } else {
      this.enter(phase === 'done' && this._phase === 'stopping' ? 'stopped' : phase);
    }
  }

  /** Whether this is what a kept message says. */
  agrees(message: IStoredMessage): boolean {
    const phase = phaseOf(message);
    if (this.id !== message.id || this.over !== isOver(phase)) {
      return false;
    }
    return !this.over || (phase === this._phase && message.error?.type === this.problem?.type);
  }

  /** The connection is lost, and is tried again after so many seconds. */
  lose(pause: number): void {
    this.pause = pause;
    if (this._phase !== 'stopping' && !this.over) {
      this._since = performance.now();
      this.enter('lost');
    }
  }

  /** End it by its reader's will. */
  leave(): void {
    this.finish = 'cancelled';
    this.enter('stopped');
  }

  react(reaction: Reaction | null): void {
    this.reaction = reaction;
    this._tell();
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

  private _keep(message: IStoredMessage): void {
    this.model = message.model;
    this.usage = message.usage;
    this.finish = message.finish_reason;
    this.reaction = message.reaction ?? null;
    // How long to wait was told when it failed, which is past.
    this.problem = message.error && { ...message.error, retry_after: undefined };
    this._grow(textOf(message.content));
  }

  /** Text only grows: what is shown may be ahead of what was kept, and of what is told again. */
  private _grow(text: string): void {
    if (text.length > this.text.length) {
      this.text = text;
      this._changed.emit('text');
    }
  }

  /** The first words are drawn before anything else that they change is worked out. */
  private _hold(): void {
    this._held = true;
    onceDrawn(() => {
      this._held = false;
      if (this._untold) {
        this._tell();
      }
    });
  }

  private _tell(): void {
    this._untold = this._held;
    if (!this._held) {
      this._changed.emit('phase');
    }
  }

  private _move(phase: Phase): void {
    if (this._phase !== 'stopping') {
      this.enter(phase);
    }
  }

  private _phase: Phase = 'sending';
  private _since = performance.now();
  private _held = false;
  /** Whether there is a phase that nobody has been told of. */
  private _untold = false;
  /** What the stream that is read now has told. */
  private _heard = '';
  private _thought = '';
  private _changed = new Signal<this, 'text' | 'phase'>(this);
}

function phaseOf(message: IStoredMessage): Phase {
  if (message.status === 'running') {
    return 'joining';
  }
  if (message.status === 'interrupted') {
    return 'interrupted';
  }
  if (message.error) {
    return 'failed';
  }
  return message.finish_reason === 'cancelled' ? 'stopped' : 'done';
}
