import {
  AbstractChatContext,
  AbstractChatModel,
  IChatContext,
  IMessageContent,
  INewMessage,
  IUser
} from '@jupyter/chat';
import { UUID } from '@lumino/coreutils';
import { ISignal, Signal } from '@lumino/signaling';

import { IContext, IHealth, IStoredMessage, TetherServer, TurnError } from '../server/request';
import { Answer, Question } from './answer';
import { LoadWatch } from './loading';

/** Bodies of these types carry the object itself, so that a growing answer is never rendered anew. */
export const QUESTION_MIME = 'application/vnd.tether.question';
export const ANSWER_MIME = 'application/vnd.tether.answer';

const HUMAN: IUser = { username: 'you', display_name: 'You' };
const TETHER: IUser = { username: 'tether', display_name: 'Tether', bot: true };

/** How long the server has to end a stopped stream before it is cut. */
const STOP_GRACE_MS = 1000;

export namespace TetherChatModel {
  export interface IOptions {
    server: TetherServer;
    notebook: string | null;
    sendWithShiftEnter: boolean;
    /** What of the notebook goes with typed words. */
    contextOf: (words: string) => IContext[];
    /** What is known of the model that answers now. */
    health: () => IHealth | null;
  }
}

/** The conversation of one notebook, or of none. */
export class TetherChatModel extends AbstractChatModel {
  constructor(private _options: TetherChatModel.IOptions) {
    super({
      config: {
        sendWithShiftEnter: _options.sendWithShiftEnter,
        stackMessages: false,
        enableCodeToolbar: false,
        sendTypingNotification: false
      }
    });
    this.notebook = _options.notebook;
    this.setReady();
  }

  /** For React, which must not mix up two conversations. */
  readonly key = UUID.uuid4();
  notebook: string | null;

  get user(): IUser {
    return HUMAN;
  }

  /** The answer in progress or the last one. */
  get answer(): Answer | null {
    return this._answer;
  }

  get busy(): boolean {
    return this._answer !== null && !this._answer.over;
  }

  /** The name of the model that made an answer, and where it runs as far as is known. */
  maker(answer: Answer): { model: string | null; place: string | null } {
    const health = this._options.health();
    const prefix = `${health?.backend}:`;
    const model = answer.model?.startsWith(prefix)
      ? answer.model.slice(prefix.length)
      : answer.model;
    return { model, place: health && model === health.model ? health.place : null };
  }

  /** Why the history could not be read, in words. */
  get trouble(): string | null {
    return this._trouble;
  }

  /** Emitted when the answer in progress changes its phase, or there is another one. */
  get stateChanged(): ISignal<this, void> {
    return this._stateChanged;
  }

  createChatContext(): IChatContext {
    return new Context({ model: this });
  }

  /** Called by the input, which clears itself. */
  async sendMessage(message: INewMessage): Promise<boolean> {
    const words = message.body.trim();
    if (!words || this.busy) {
      return false;
    }
    await this.ask(new Question(words, this._options.contextOf(words)));
    return true;
  }

  /** Ask, and stream the answer in. Resolves when the answer is over, however it ended. */
  async ask(question: Question): Promise<void> {
    if (!this.busy) {
      this._running = this._run(question);
      await this._running;
    }
  }

  /** End the answer in progress; the text so far is kept. */
  async stop(): Promise<void> {
    const answer = this._answer;
    const abort = this._abort;
    if (!answer || answer.over || !abort) {
      return;
    }
    answer.enter('stopping');
    if (!this._conversation) {
      abort.abort();
      return;
    }
    const timer = window.setTimeout(() => abort.abort(), STOP_GRACE_MS);
    const clear = () => answer.over && window.clearTimeout(timer);
    answer.changed.connect(clear);
    try {
      await this._options.server.stop(this._conversation);
    } catch {
      abort.abort();
    }
  }

  /** Ask again what failed. A question that never reached the server is taken off first. */
  async retry(answer: Answer): Promise<void> {
    if (!answer.question || this.busy) {
      return;
    }
    if (answer.id === null) {
      const at = this.messages.findIndex(each => bodyOf(each.content, ANSWER_MIME) === answer);
      if (at > 0) {
        this.messagesDeleted(at - 1, 2);
      }
    }
    await this.ask(answer.question);
  }

  /** Begin a fresh conversation for this notebook. */
  async fresh(): Promise<void> {
    await this.stop();
    await this._running;
    if (!this.messages.length) {
      return;
    }
    if (this.notebook !== null) {
      this._conversation = await this._options.server.begin(this.notebook);
    } else {
      this._conversation = null;
    }
    this._answer = null;
    this._turns++;
    this._trouble = null;
    this.clearMessages();
    this._stateChanged.emit();
  }

  /** Bring in what was said at another door. Does nothing while an answer is in progress. */
  async refresh(): Promise<void> {
    if (this.notebook === null || this.busy) {
      return;
    }
    const turns = this._turns;
    try {
      const [latest] = await this._options.server.conversations(this.notebook);
      const stored = latest ? await this._options.server.messages(latest.id) : [];
      // What was read before a question was asked no longer says what there is.
      if (turns !== this._turns) {
        return;
      }
      this._trouble = null;
      this._adopt(latest?.id ?? this._conversation, stored);
    } catch (reason) {
      this._trouble = asTurnError(reason).problem.message;
    }
    this._stateChanged.emit();
  }

  private async _run(question: Question): Promise<void> {
    const answer = new Answer(question);
    this._add(HUMAN, QUESTION_MIME, question);
    this._add(TETHER, ANSWER_MIME, answer);
    this._answer = answer;
    this._turns++;
    answer.changed.connect(this._onAnswer, this);
    const watch = new LoadWatch(answer, () => this._options.server.health());
    const abort = new AbortController();
    this._abort = abort;
    this._stateChanged.emit();
    try {
      await this._stream(question, answer, abort);
    } catch (reason) {
      if (abort.signal.aborted) {
        answer.finish = 'cancelled';
        answer.enter('stopped');
      } else {
        const failure = asTurnError(reason);
        if (failure.problem.type === 'not_found') {
          // A server that has started anew no longer has it: Try again begins another.
          this._conversation = null;
        }
        answer.fail(failure);
      }
    }
    answer.changed.disconnect(this._onAnswer, this);
    watch.dispose();
    this._stateChanged.emit();
  }

  private async _stream(question: Question, answer: Answer, abort: AbortController) {
    const request = {
      message: question.words,
      ...(this.notebook !== null && { notebook: this.notebook }),
      ...(this._conversation !== null && { conversation_id: this._conversation }),
      ...(question.context.length > 0 && { context: question.context })
    };
    for await (const event of this._options.server.stream(request, abort.signal)) {
      if ('meta' in event) {
        this._conversation = event.meta.conversation_id;
      }
      answer.take(event);
    }
  }

  /** Show the stored messages, leaving those already shown as they are. */
  private _adopt(conversation: string | null, stored: IStoredMessage[]): void {
    const local = this.messages.flatMap(each => bodyOf<Answer>(each.content, ANSWER_MIME) ?? []);
    const shown = local.flatMap(each => each.id ?? []);
    const answers = stored.filter(each => each.role === 'assistant');
    const same =
      conversation === this._conversation &&
      shown.every((id, i) => answers[i]?.id === id) &&
      // Stopped before it had an id, it may be stored all the same.
      local.every(each => each.id !== null || each.phase === 'failed') &&
      (stored.length > 0 || this.messages.length === 0);
    this._conversation = conversation;
    let fresh = stored;
    if (same) {
      const last = shown.length
        ? stored.findIndex(each => each.id === shown[shown.length - 1])
        : -1;
      fresh = stored.slice(last + 1);
    } else {
      this.clearMessages();
    }
    let question: Question | null = null;
    const contents = fresh.map(message => {
      if (message.role === 'user') {
        question = new Question(message.content);
        return content(HUMAN, QUESTION_MIME, question, message.created_at);
      }
      return content(TETHER, ANSWER_MIME, Answer.stored(message, question), message.created_at);
    });
    if (contents.length) {
      this.messagesInserted(this.messages.length, contents);
    }
  }

  private _add(sender: IUser, mime: string, body: object): void {
    this.messagesInserted(this.messages.length, [content(sender, mime, body)]);
  }

  private _onAnswer(_: Answer, what: 'text' | 'phase'): void {
    if (what === 'phase') {
      this._stateChanged.emit();
    }
  }

  private _conversation: string | null = null;
  private _answer: Answer | null = null;
  private _running: Promise<void> | null = null;
  private _abort: AbortController | null = null;
  private _trouble: string | null = null;
  /** Counts what makes an answer of the history's routes stale. */
  private _turns = 0;
  private _stateChanged = new Signal<this, void>(this);
}

/** The object that a message's body carries, if it is of this type. */
export function bodyOf<T>(message: IMessageContent, mime: string): T | null {
  const body = message.body;
  return typeof body === 'string' ? null : ((body.data[mime] as unknown as T) ?? null);
}

/** Any failure in the wire contract's terms. */
export function asTurnError(reason: unknown): TurnError {
  if (reason instanceof TurnError) {
    return reason;
  }
  console.error('Tether:', reason);
  return new TurnError({
    type: 'internal',
    message: 'Something went wrong in this page.',
    retryable: true,
    hint: "The browser's console says more."
  });
}

function content(sender: IUser, mime: string, body: object, created?: string): IMessageContent {
  const time = created ? Date.parse(created) / 1000 : Date.now() / 1000;
  return {
    type: 'msg',
    id: UUID.uuid4(),
    sender,
    time: Number.isFinite(time) ? time : Date.now() / 1000,
    body: { data: { [mime]: body as never } }
  };
}

class Context extends AbstractChatContext {
  get users(): IUser[] {
    return [];
  }
}
