import { TurnEvent } from '../server/events';
import { IStoredMessage } from '../server/history';
import { asTurnError, GONE, TurnError } from '../server/problems';
import type { IQuestion } from '../server/request';
import { Answer } from './answer';

/** How long a lost connection rests before each new try, ms. A try that brings something new begins again. */
const PAUSES_MS = [500, 1000, 2000, 4000, 8000];

/** How often the text is read of an answer whose events are told elsewhere, by another server, ms. */
const READ_MS = 2000;

/** How long the server has to end a stopped answer before nobody waits for it, ms. */
const STOP_GRACE_MS = 1000;

/** What a turn needs of the server. */
export interface ITurnServer {
  stream(question: IQuestion, signal: AbortSignal): AsyncIterable<TurnEvent>;
  events(turn: string, signal: AbortSignal): AsyncIterable<TurnEvent>;
  messages(conversation: string): Promise<IStoredMessage[]>;
  stop(conversation: string): Promise<void>;
  cancel(turn: string): Promise<void>;
}

/**
 * One answer under way: asked for or joined, followed to its end through lost connections, stopped.
 *
 * The server writes it to its end whoever reads it, so that it ends by `stop` and not by leaving.
 */
export class Turn {
  /** `conversation` is null as long as the server has not told which one it is. */
  constructor(
    readonly answer: Answer,
    public conversation: string | null,
    private _server: ITurnServer
  ) {
    this.over = new Promise(resolve => {
      const end = () => {
        if (answer.over) {
          answer.changed.disconnect(end);
          clearTimeout(this._grace);
          resolve();
        }
      };
      answer.changed.connect(end);
    });
  }

  /** Settles when the answer is over, however it ended. */
  readonly over: Promise<void>;

  /** Ask, and follow the answer to its end. */
  async ask(question: IQuestion): Promise<void> {
    await this._follow(() => this._server.stream(question, this._abort.signal));
  }

  /** Follow an answer that was begun before, or at another door. */
  async join(): Promise<void> {
    await this._follow(() => this._events());
  }

  /** End the answer; the text so far is kept. */
  async stop(): Promise<void> {
    if (this.answer.over) {
      return;
    }
    // The server is told before anything is drawn.
    const told = this.conversation ? this._server.stop(this.conversation) : null;
    this._grace ??= setTimeout(() => this._leave(), STOP_GRACE_MS);
    this.answer.enter('stopping');
    // An unreachable server is what the time of grace is for.
    await told?.catch(() => this._leave());
  }

  private async _follow(open: () => AsyncIterable<TurnEvent>): Promise<void> {
    while (!this.answer.over) {
      try {
        for await (const event of open()) {
          this._take(event);
        }
      } catch (reason) {
        if (!this._abort.signal.aborted) {
          await this._recover(asTurnError(reason));
        }
      }
      open = () => this._events();
    }
  }

  private _take(event: TurnEvent): void {
    const { answer } = this;
    const before = answer.text.length + answer.thought.length;
    if ('meta' in event) {
      this.conversation = event.meta.conversation_id;
    }
    answer.take(event);
    if (answer.text.length + answer.thought.length > before) {
      this._lost = 0;
    }
    if ('meta' in event && (answer.over || answer.phase === 'stopping')) {
      // Stopped before the server knew of it. Nobody is left who would be told of a failure.
      void this._server.cancel(event.meta.id).catch(() => undefined);
      if (answer.over) {
        this._abort.abort();
      }
    }
  }

  /** Do what can be done about a stream that failed: wait for the connection, read what was kept, or give up. */
  private async _recover(reason: TurnError): Promise<void> {
    const { answer } = this;
    try {
      if (reason.problem.type === 'not_found' && answer.id !== null && this.conversation) {
        await this._read(answer.id, this.conversation);
        return;
      }
    } catch (another) {
      reason = asTurnError(another);
    }
    if (answer.over) {
      return;
    }
    if (isLost(reason) && answer.id !== null && this._lost < PAUSES_MS.length) {
      const pause = PAUSES_MS[this._lost++];
      answer.lose(pause / 1000);
      await this._rest(pause);
      answer.lose(0);
    } else {
      answer.fail(reason);
    }
  }

  /** Its events are gone: it has ended meanwhile, or another server writes it. */
  private async _read(id: string, conversation: string): Promise<void> {
    const { answer } = this;
    const stored = await this._server.messages(conversation).catch(reason => {
      if (asTurnError(reason).problem.type !== 'not_found') {
        throw reason;
      }
      return [];
    });
    if (answer.over) {
      return;
    }
    const kept = stored.find(each => each.id === id);
    if (kept) {
      answer.restore(kept);
    } else {
      // What the server does not have can only be asked anew.
      answer.id = null;
      answer.fail(new TurnError(GONE));
    }
    if (!answer.over) {
      this._lost = 0;
      await this._rest(READ_MS);
    }
  }

  private _events(): AsyncIterable<TurnEvent> {
    return this._server.events(this.answer.id ?? '', this._abort.signal);
  }

  /** Wait no longer for the server to end the answer. */
  private _leave(): void {
    if (this.answer.over) {
      return;
    }
    this.answer.leave();
    // A turn whose id is not known yet cannot be ended: it is read on until it tells it.
    if (this.answer.id !== null) {
      this._abort.abort();
    }
  }

  /** Let some time pass, unless the answer ends or is to be ended. */
  private _rest(time: number): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(() => end(true), time);
      const end = (late: boolean) => {
        if (late || this.answer.over) {
          clearTimeout(timer);
          this.answer.changed.disconnect(changed);
          resolve();
        }
      };
      const changed = () => end(false);
      this.answer.changed.connect(changed);
    });
  }

  private _abort = new AbortController();
  private _grace: ReturnType<typeof setTimeout> | undefined;
  /** Tries since something new came. */
  private _lost = 0;
}

function isLost(reason: TurnError): boolean {
  return reason.problem.type === 'connection_lost';
}
