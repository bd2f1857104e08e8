import { Draft } from '../composer/draft';
import { LeftOut } from '../composer/leftOut';
import { merged, ownOf } from '../composer/options';
import { Waiting } from '../composer/waiting';
import type { IProblem } from '../server/events';
import type { IStoredMessage, Reaction } from '../server/history';
import { asTurnError, TurnError } from '../server/problems';
import type { IContext, IHealth, IQuestion } from '../server/request';
import { Answer, Question } from './answer';
import { IAsk, isFirst, keyOf } from './ask';
import { Course } from './course';
import { Path } from './path';
import { Tree } from './tree';
import { Turn } from './turn';

const QUESTION_GONE: IProblem = {
  type: 'not_found',
  message: 'The question that you edited is no longer here. Send again to ask it anew.',
  retryable: true,
  hint: null
};

export namespace Thread {
  export interface IOptions extends Course.IOptions {
    /** What of the notebook goes with typed words. */
    contextOf: (words: string) => IContext[];
    /** What is known of the model that answers now. */
    health: () => IHealth | null;
    /** Whether anything may be asked: not while assistance is off. */
    allowed: () => boolean;
  }
}

/** One conversation as it is shown: that of a notebook, of none, or one that was chosen. */
export class Thread extends Path {
  constructor(private _options: Thread.IOptions) {
    super(_options);
  }

  readonly draft = new Draft();
  readonly leftOut = new LeftOut();

  /** Whether anything may be asked now. */
  get allowed(): boolean {
    return this._options.allowed();
  }

  /** What waits until the answer under way is over, the next one first. */
  get queued(): readonly IAsk[] {
    return this._waiting.asks;
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

  /** Keep under this name what is not sent yet and what holds in this conversation: a reload loses none of it. */
  keepAs(name: string): void {
    this._isKept = true;
    const { asks } = this._waiting;
    this.draft.keepAs(name);
    this._forgetHeard();
    this.leftOut.keepAs(name);
    this._waiting.keepAs(name);
    if (this._waiting.asks.length !== asks.length) {
      this._changed.emit();
    }
  }

  /** Its notebook has another name; what is kept for a reload is looked for under that one. */
  rename(notebook: string): void {
    this.notebook = notebook;
    if (this._isKept) {
      this.keepAs(keptName(this));
    }
  }

  /**
   * Ask, or have it wait for the end of the answer under way. Resolves when it has been answered or queued.
   *
   * Every way of asking comes through here: what was chosen for the conversation holds for each. What may not be asked
   * is in the field, for the time when it may.
   */
  async send(ask: IAsk, named = this.named(ask.words, ask.context)): Promise<void> {
    if (!this.allowed) {
      this.draft.restore(ask);
      return;
    }
    const options = merged(this.draft.options, ask.options);
    const whole = { ...ask, context: [...named, ...ask.context].filter(isFirst), options };
    this._waiting.isHeld = false;
    if (this.busy || this._retrying) {
      this._waiting.add(whole);
      this._changed.emit();
    } else {
      await this.ask(Question.of(whole));
    }
  }

  /** Ask what waits with what it took along: what its words name may be something else by now. */
  async sendQueued(ask: IAsk): Promise<void> {
    this.unqueue(ask);
    await this.send(ask, []);
  }

  /** What of the notebook words name outright and is not taken along yet: it goes along unless it was dismissed here. */
  named(words: string, along: readonly Pick<IContext, 'kind' | 'name'>[]): IContext[] {
    const stays = (key: string) => this.leftOut.has(key) || along.some(own => keyOf(own) === key);
    return this._options.contextOf(words).filter(each => !stays(keyOf(each)));
  }

  /** What the next question follows, or one in another's place: an id, `root`, or null for the newest message. */
  parentFor(edited: Question | null): string | null {
    return edited === null || edited.id === null
      ? this._tree.end
      : (this._tree.parentOf(edited.id) ?? 'root');
  }

  /** Leave a piece out of this conversation, whatever words name it. */
  dismiss(piece: IContext): void {
    this.leftOut.add(keyOf(piece));
    this._changed.emit();
  }

  /** Take back what waits. */
  unqueue(ask: IAsk): void {
    this._waiting.remove(ask);
    this._changed.emit();
  }

  /** Ask, and stream the answer in. Resolves when the answer is over, however it ended. */
  async ask(question: Question): Promise<void> {
    if (!this.busy) {
      const parent = this.parentFor(null);
      this._tree.end = null;
      this._show([...this._said, question]);
      await this._ask(new Answer(question), {
        message: question.words,
        ...(parent !== null && { parent_id: parent })
      });
    }
  }

  /**
   * Have with a question what went along with it, of which the history told only the names. Returns whether it is
   * there. Raises TurnError.
   */
  async recall(question: Question): Promise<boolean> {
    const { told, id } = question;
    if (told === null || id === null || this._id === null) {
      return true;
    }
    const along = await this.server.along(this._id, id);
    question.recall(along);
    this._changed.emit();
    return along.length > 0;
  }

  /**
   * Put a question into the field, to be asked otherwise. Returns whether all that went along with it is there. Raises
   * TurnError.
   */
  async reword(question: Question): Promise<boolean> {
    const whole = await this.recall(question);
    this.draft.edit(question, question);
    return whole;
  }

  /**
   * Ask something else in a question's place, in a branch of its own; what may not be asked is in the field. Raises
   * TurnError where it is gone.
   */
  async edit(question: Question, ask: IAsk): Promise<void> {
    if (!this.allowed) {
      this.draft.restore(ask);
      return;
    }
    await this._settled();
    const at = this._said.indexOf(question);
    if (at < 0) {
      // Deleted in another window: whoever typed the words has them back.
      throw new TurnError(QUESTION_GONE);
    }
    if (question.id !== null) {
      this._tree.end = this.parentFor(question);
    }
    this._show(this._said.slice(0, at));
    // What was chosen when it was first asked may have been taken back since.
    await this.send({ ...ask, options: ownOf(ask.options) });
  }

  /** Whether an answer can be written again. */
  canRetry(answer: Answer): boolean {
    return answer.over && answer.question !== null && !this.busy && this.allowed;
  }

  /** Write an answer again, in a branch of its own; what never reached the server is asked anew. */
  async retry(answer: Answer): Promise<void> {
    if (!this.canRetry(answer) || this._retrying) {
      return;
    }
    this._retrying = true;
    const left = answer.phase === 'stopped' && answer.unheard;
    let heard = false;
    try {
      // The server may have heard more than this page knows: the question, or the rest of the answer.
      const unsure = left || answer.problem?.type === 'connection_lost';
      heard = unsure && (await this._wasHeard(answer));
    } catch (reason) {
      answer.fail(asTurnError(reason));
      this._stateChanged.emit();
      return;
    } finally {
      this._retrying = false;
    }
    if (heard) {
      // Nothing is written anew, at the end of which what was queued meanwhile would have its turn.
      const last = this._said[this._said.length - 1];
      if (last instanceof Answer) {
        await this.goOn(last);
      }
      return;
    }
    const at = this._said.indexOf(answer);
    const question = answer.question;
    if (at < 0 || !question || !this.canRetry(answer)) {
      return;
    }
    const known = answer.id ?? answer.instead;
    if (known === null || this._id === null) {
      this._show(this._said.filter((_, i) => i !== at && i !== at - 1));
      // What the server still tells of the one that was stopped is not meant for the one that is asked now.
      await this.ask(left ? Question.of(question) : question);
      return;
    }
    this._show(this._said.slice(0, at));
    const again = new Answer(question);
    again.instead = known;
    this._tree.end = null;
    await this._ask(again, { regenerate: known });
  }

  /** Put a question that the server may not have heard back into the field, which outlives this page. */
  leave(): void {
    const last = this._said[this._said.length - 1];
    if (last instanceof Answer && last.unheard && last.question) {
      this.draft.restore(last.question);
    }
  }

  /** Keep what the reader thinks of an answer. Raises TurnError, and shows what was before. */
  async react(answer: Answer, reaction: Reaction | null): Promise<void> {
    const before = answer.reaction;
    if (answer.id === null) {
      return;
    }
    answer.react(reaction);
    try {
      await this.server.react(answer.id, reaction);
    } catch (reason) {
      answer.react(before);
      throw asTurnError(reason);
    }
  }

  /** Take a question away with all that follows it; call what is returned to have it back. Raises TurnError. */
  async remove(question: Question): Promise<() => Promise<void>> {
    await this._settled();
    const at = this._said.indexOf(question);
    if (question.id === null) {
      const gone = this._said.slice(at);
      this._show(this._said.slice(0, at));
      // Something else may have been asked since, which stays.
      return async () => this._show([...this._said.slice(0, at), ...gone, ...this._said.slice(at)]);
    }
    const { id } = question;
    await this.server.remove(id);
    const turnBack = this._tree.drop(id, this._said);
    // What was asked meanwhile is in the branch to show.
    this._tree.end = this.busy ? null : this._tree.end;
    await this._read();
    return async () => {
      await this.server.remove(id, false);
      if (this.busy) {
        // An answer under way is not taken from the screen: the rest is read when it is over.
        return this.refresh();
      }
      turnBack();
      await this._read();
    };
  }

  /** Begin a fresh conversation for this notebook. An answer under way is written to its end in the old one. */
  async fresh(): Promise<void> {
    if (!this._said.length && this._loaded) {
      this._forget();
      return;
    }
    // Nothing more is asked in the old one, also if its answer ends before the new one is there.
    this._waiting.isHeld = true;
    this._id = this.notebook === null ? null : await this.server.begin(this.notebook);
    this._turn = null;
    this._turns++;
    this._trouble = null;
    this._title = null;
    this._tree = new Tree();
    this._loaded = true;
    this._forget();
    this._show([]);
    this._stateChanged.emit();
  }

  /** Nothing that held in a conversation holds in the next one; what waited to be asked is in the field. */
  private _forget(): void {
    for (const ask of [...this._waiting.take()].reverse()) {
      this.draft.restore(ask);
    }
    this.leftOut.clear();
    this.draft.forget();
  }

  protected _adopt(conversation: string | null, branch: IStoredMessage[]): void {
    super._adopt(conversation, branch);
    this._forgetHeard();
  }

  private _forgetHeard(): void {
    const last = [...this._said].reverse().find(each => each instanceof Question);
    if (last && last.id !== null) {
      this.draft.heard((last as Question).words);
    }
  }

  private async _ask(answer: Answer, words: IQuestion): Promise<void> {
    this._show([...this._said, answer]);
    const question = answer.question;
    const turn = new Turn(answer, this._id, this.server);
    const context = question?.context ?? [];
    const attachments = (question?.attachments ?? []).map(each => each.id);
    const request: IQuestion = {
      ...question?.options,
      ...words,
      ...(this.notebook !== null && { notebook: this.notebook }),
      ...(this._id !== null && { conversation_id: this._id }),
      ...(context.length > 0 && { context }),
      ...(attachments.length > 0 && { attachments }),
      background: true
    };
    await this._follow(turn, () => turn.ask(request));
  }

  /** Whether the server has heard what an answer without an end belongs to; then the truth is shown instead. */
  private async _wasHeard(answer: Answer): Promise<boolean> {
    const known = new Set(this._said.map(said => said.id));
    await this._read();
    if (!this._said.includes(answer)) {
      const last = this._said[this._said.length - 1];
      if (last instanceof Answer && answer.instead !== null && last.id === answer.instead) {
        // All that is there is what was to be written again.
        this._retrying = false;
        await this.retry(last);
      }
      return true;
    }
    const heard = this._said.some(
      said =>
        said instanceof Question && !known.has(said.id) && said.words === answer.question?.words
    );
    if (heard) {
      const at = this._said.indexOf(answer);
      this._show(this._said.filter((_, i) => i !== at && i !== at - 1));
    }
    return heard;
  }

  protected async goOn(answer: Answer): Promise<void> {
    // What was stopped or has failed is to be looked at first: the rest waits for the next word of its asker.
    const goesOn = answer.phase === 'done' && !this.busy && !this._waiting.isHeld && this.allowed;
    const next = this.queued[0];
    if (goesOn && next) {
      await this.sendQueued(next);
    }
  }

  private _waiting = new Waiting();
  private _retrying = false;
  /** Whether anything of it is kept for a reload: not before it was shown. */
  private _isKept = false;
}

/** Under which name a tab keeps what is not sent yet in a conversation. */
export function keptName({ notebook, id }: Pick<Thread, 'notebook' | 'id'>): string {
  return `${notebook ?? ''}#${id ?? ''}`;
}
