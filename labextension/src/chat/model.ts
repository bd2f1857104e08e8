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

import { IStoredMessage, newestBranch, Reaction } from '../server/history';
import { asTurnError } from '../server/problems';
import { IContext, IHealth, IQuestion, TetherServer } from '../server/request';
import { Answer, Question } from './answer';
import { LoadWatch } from './loading';
import { compare, Said } from './shown';
import { Turn } from './turn';

/** Bodies of these types carry the object itself, so that a growing answer is never rendered anew. */
export const QUESTION_MIME = 'application/vnd.tether.question';
export const ANSWER_MIME = 'application/vnd.tether.answer';

const HUMAN: IUser = { username: 'you', display_name: 'You' };
const TETHER: IUser = { username: 'tether', display_name: 'Tether', bot: true };

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
    return this._turn?.answer ?? null;
  }

  get busy(): boolean {
    return this._turn !== null && !this._turn.answer.over;
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
      this._add(question);
      await this._ask(new Answer(question), { message: question.words });
    }
  }

  /** End the answer in progress; the text so far is kept. */
  async stop(): Promise<void> {
    await this._turn?.stop();
  }

  /** Whether an answer can be written again. */
  canRetry(answer: Answer): boolean {
    return answer.over && answer.question !== null && !this.busy;
  }

  /** Write an answer again, in a branch of its own; what never reached the server is asked anew. */
  async retry(answer: Answer): Promise<void> {
    if (!this.canRetry(answer) || this._retrying) {
      return;
    }
    this._retrying = true;
    try {
      // The server may have heard more than this page knows: the question, or the rest of the answer.
      if (answer.problem?.type === 'connection_lost' && (await this._wasHeard(answer))) {
        return;
      }
    } catch (reason) {
      answer.fail(asTurnError(reason));
      this._stateChanged.emit();
      return;
    } finally {
      this._retrying = false;
    }
    const at = this._indexOf(answer);
    const question = answer.question;
    if (at < 0 || !question || this.busy) {
      return;
    }
    const known = answer.id ?? answer.instead;
    if (known === null || this._conversation === null) {
      this.messagesDeleted(at - 1, 2);
      await this.ask(question);
      return;
    }
    this.messagesDeleted(at, this.messages.length - at);
    const again = new Answer(question);
    again.instead = known;
    await this._ask(again, { regenerate: known });
  }

  /** Keep what the reader thinks of an answer. Raises TurnError, and shows what was before. */
  async react(answer: Answer, reaction: Reaction | null): Promise<void> {
    const before = answer.reaction;
    if (answer.id === null) {
      return;
    }
    answer.react(reaction);
    try {
      await this._options.server.react(answer.id, reaction);
    } catch (reason) {
      answer.react(before);
      throw asTurnError(reason);
    }
  }

  /** Begin a fresh conversation for this notebook. */
  async fresh(): Promise<void> {
    await this.stop();
    await this._turn?.over;
    if (!this.messages.length) {
      return;
    }
    if (this.notebook !== null) {
      this._conversation = await this._options.server.begin(this.notebook);
    } else {
      this._conversation = null;
    }
    this._turn = null;
    this._turns++;
    this._trouble = null;
    this.clearMessages();
    this._stateChanged.emit();
  }

  /** Bring in what was said at another door, and go on with what is being written. Waits for an answer's end. */
  async refresh(): Promise<void> {
    if (this.busy) {
      this._stale = true;
      return;
    }
    this._stale = false;
    try {
      await this._read();
      this._trouble = null;
    } catch (reason) {
      this._trouble = asTurnError(reason).problem.message;
    }
    this._stateChanged.emit();
  }

  private async _ask(answer: Answer, words: IQuestion): Promise<void> {
    this._add(answer);
    const context = answer.question?.context ?? [];
    const turn = new Turn(answer, this._conversation, this._options.server);
    const request = {
      ...words,
      ...(this.notebook !== null && { notebook: this.notebook }),
      ...(this._conversation !== null && { conversation_id: this._conversation }),
      ...(context.length > 0 && { context }),
      background: true
    };
    await this._follow(turn, () => turn.ask(request));
  }

  /** Have a turn under way until its answer is over. */
  private async _follow(turn: Turn, run: () => Promise<void>): Promise<void> {
    const { answer } = turn;
    this._turn = turn;
    this._turns++;
    const onChange = (_: Answer, what: 'text' | 'phase') => {
      if (this._turn === turn && turn.conversation) {
        this._conversation = turn.conversation;
      }
      if (what === 'phase') {
        this._stateChanged.emit();
      }
    };
    answer.changed.connect(onChange);
    const watch = new LoadWatch(answer, () => this._options.server.health());
    this._stateChanged.emit();
    void run();
    await turn.over;
    answer.changed.disconnect(onChange);
    watch.dispose();
    if (this._turn === turn && answer.problem?.type === 'not_found') {
      // A server that has started anew no longer has it: Try again begins another.
      this._conversation = null;
    }
    this._stateChanged.emit();
    if (this._stale) {
      await this.refresh();
    }
  }

  /** Read what was said, and show it. */
  private async _read(): Promise<void> {
    const { server } = this._options;
    const turns = this._turns;
    const latest =
      this.notebook === null
        ? this._conversation
        : ((await server.conversation(this.notebook))?.id ?? null);
    if (this.notebook === null && latest === null) {
      return;
    }
    const stored = latest ? await server.messages(latest) : [];
    // What was read before a question was asked no longer says what there is.
    if (turns === this._turns) {
      this._adopt(latest ?? this._conversation, newestBranch(stored));
    }
  }

  /** Whether the server has heard what an answer without an end belongs to; then the truth is shown instead. */
  private async _wasHeard(answer: Answer): Promise<boolean> {
    const known = new Set(this._shown.map(said => said.id));
    await this._read();
    if (this._indexOf(answer) < 0) {
      const last = this._shown.pop();
      if (last instanceof Answer && answer.instead !== null && last.id === answer.instead) {
        // All that is there is what was to be written again.
        this._retrying = false;
        await this.retry(last);
      }
      return true;
    }
    const heard = this._shown.some(
      said =>
        said instanceof Question && !known.has(said.id) && said.words === answer.question?.words
    );
    if (heard) {
      this.messagesDeleted(this._indexOf(answer) - 1, 2);
    }
    return heard;
  }

  /** Show a branch, leaving what is shown already as it is, and follow what is being written in it. */
  private _adopt(conversation: string | null, branch: IStoredMessage[]): void {
    const shown = this._shown;
    const { kept, fresh, unsent, unwanted } = compare(shown, branch);
    this._conversation = conversation;
    if (kept + unsent.length < shown.length || fresh.length) {
      this.messagesDeleted(kept, shown.length - kept);
      this.messagesInserted(kept, [
        ...fresh.map(({ said, created }) => content(said, created)),
        ...unsent.map(said => content(said))
      ]);
    }
    const reactions = new Map(branch.map(message => [message.id, message.reaction]));
    for (const said of shown.slice(0, kept)) {
      const reaction = reactions.get(said.id ?? '') ?? null;
      if (said instanceof Answer && said.reaction !== reaction) {
        said.react(reaction);
      }
    }
    if (this.answer?.over && this._indexOf(this.answer) < 0) {
      this._turn = null;
    }
    for (const { said } of fresh) {
      if (said instanceof Answer && !said.over) {
        const turn = new Turn(said, conversation, this._options.server);
        void this._follow(turn, () => turn.join());
        if (unwanted.includes(said)) {
          // Stopped while the server could not be reached.
          void turn.stop();
        }
      }
    }
  }

  private _add(said: Said): void {
    this.messagesInserted(this.messages.length, [content(said)]);
  }

  private get _shown(): Said[] {
    return this.messages.flatMap(
      ({ content }) =>
        bodyOf<Question>(content, QUESTION_MIME) ?? bodyOf<Answer>(content, ANSWER_MIME) ?? []
    );
  }

  private _indexOf(answer: Answer): number {
    return this._shown.indexOf(answer);
  }

  private _conversation: string | null = null;
  /** The turn under way, or the last one. */
  private _turn: Turn | null = null;
  private _retrying = false;
  /** Something was said at another door while an answer was under way here. */
  private _stale = false;
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

function content(said: Said, created?: string): IMessageContent {
  const time = created ? Date.parse(created) / 1000 : Date.now() / 1000;
  const asked = said instanceof Question;
  return {
    type: 'msg',
    id: UUID.uuid4(),
    sender: asked ? HUMAN : TETHER,
    time: Number.isFinite(time) ? time : Date.now() / 1000,
    body: { data: { [asked ? QUESTION_MIME : ANSWER_MIME]: said as never } }
  };
}

class Context extends AbstractChatContext {
  get users(): IUser[] {
    return [];
  }
}
