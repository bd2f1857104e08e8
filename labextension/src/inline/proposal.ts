import { ISignal, Signal } from '@lumino/signaling';

import type { FinishReason, TurnEvent } from '../server/events';
import { asTurnError } from '../server/problems';
import type { IQuestion } from '../server/request';
import { codeIn } from './code';
import type { IReplacement } from './region';
import { failed, Phase } from './words';

/** What a proposal is asked from. */
export interface IAsked {
  stream(question: IQuestion, signal: AbortSignal): AsyncIterable<TurnEvent>;
}

/** The most of a model's words that the line under the field shows. */
const MOST_WORDS = 280;
const UNCLEAR =
  'The answer has several blocks, and it is unclear where the code ends. Try again, or select a part and ask again.';

/** One answer that proposes a new source, from the question to its end. */
export class Proposal {
  /** @param _nested Whether the code may hold fences of its own. */
  constructor(
    private _server: IAsked,
    private _nested: boolean
  ) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get phase(): Phase {
    return this._phase;
  }

  /** Place in the line, where it waits. */
  get position(): number {
    return this._position;
  }

  /** When the phase began, ms. */
  get since(): number {
    return this._since;
  }

  /** Why there is no proposal, in words. */
  get problem(): string {
    return this._problem;
  }

  /** The code so far, or null while there is none. */
  get replacement(): IReplacement | null {
    const over = this._phase === 'ready';
    const { code } = codeIn(this._answer, over, this._nested);
    return code === null || this._phase === 'failed' ? null : { text: code, whole: over };
  }

  /** Ask, and follow the answer. What was asked before is given up. */
  async ask(question: IQuestion): Promise<void> {
    this.stop();
    const abort = (this._abort = new AbortController());
    this._answer = '';
    this._enter('asking');
    try {
      for await (const event of this._server.stream(question, abort.signal)) {
        if (abort.signal.aborted) {
          return;
        }
        this._take(event);
      }
    } catch (reason) {
      if (!abort.signal.aborted) {
        const { message, hint } = asTurnError(reason).problem;
        this._fail(failed(message, hint));
      }
    }
  }

  /** Leave the answer: the server ends it when nobody reads it. */
  stop(): void {
    this._abort?.abort();
    this._abort = null;
    this._enter('idle');
  }

  private _take(event: TurnEvent): void {
    if ('queued' in event) {
      this._position = event.queued.position;
      this._enter('queued');
    } else if ('thinking' in event) {
      this._enter('thinking');
    } else if ('delta' in event) {
      this._answer += event.delta;
      this._enter('writing');
    } else if ('error' in event) {
      this._fail(failed(event.error.message, event.error.hint));
    } else if ('done' in event) {
      this._end(event.finish_reason);
    }
  }

  private _end(reason: FinishReason): void {
    if (reason === 'length') {
      this._fail('The answer was longer than the model may write. Select a part and ask again.');
      return;
    }
    if (reason === 'cancelled') {
      this._fail('The answer was stopped before its end. Try again.');
      return;
    }
    const { code, words, unclear } = codeIn(this._answer, true, this._nested);
    if (unclear) {
      this._fail(UNCLEAR);
      return;
    }
    if (code === null) {
      const said = words.length > MOST_WORDS ? `${words.slice(0, MOST_WORDS)}…` : words;
      this._fail(
        said ? `The model answered in words: ${said}` : 'The answer was empty. Ask in other words.'
      );
      return;
    }
    this._enter('ready');
  }

  private _fail(problem: string): void {
    this._problem = problem;
    this._enter('failed');
  }

  private _enter(phase: Phase): void {
    if (phase !== this._phase) {
      this._phase = phase;
      this._since = Date.now();
    }
    this._changed.emit();
  }

  private _phase: Phase = 'idle';
  private _position = 0;
  private _since = Date.now();
  private _problem = '';
  private _answer = '';
  private _abort: AbortController | null = null;
  private _changed = new Signal<this, void>(this);
}
