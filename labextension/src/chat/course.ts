import { UUID } from '@lumino/coreutils';
import { ISignal, Signal } from '@lumino/signaling';

import type { IStoredMessage } from '../server/history';
import { asTurnError } from '../server/problems';
import type { TetherServer } from '../server/request';
import { Answer } from './answer';
import { loadFor, LoadWatch } from './loading';
import { compare, Said } from './shown';
import { Tree } from './tree';
import { Turn } from './turn';

export namespace Course {
  export interface IOptions {
    server: TetherServer;
    notebook: string | null;
    /** The conversation to show, where it is not the one that the notebook goes on with. */
    conversation?: string;
    /** Whether another one shows what the notebook goes on with, and takes this one's place. */
    yields?: (conversation: string) => boolean;
  }
}

/** What was said in a conversation as the server has it, and the answer under way, followed to its end. */
export abstract class Course {
  constructor(options: Course.IOptions) {
    this.server = options.server;
    this.notebook = options.notebook;
    this._id = options.conversation ?? null;
    this._chosen = options.conversation !== undefined;
    this._yields = options.yields ?? (() => false);
  }

  /** For React, which must not mix up two conversations. */
  readonly key = UUID.uuid4();
  notebook: string | null;

  /** The conversation's id, as soon as there is one. */
  get id(): string | null {
    return this._id;
  }

  get title(): string | null {
    return this._title;
  }

  set title(title: string | null) {
    if (title !== this._title) {
      this._title = title;
      this._changed.emit();
    }
  }

  /** The branch that is shown, from its beginning. The list is another one after each change. */
  get said(): readonly Said[] {
    return this._said;
  }

  /** The answer in progress or the last one. */
  get answer(): Answer | null {
    return this._turn?.answer ?? null;
  }

  get busy(): boolean {
    return this._turn !== null && !this._turn.answer.over;
  }

  /** Whether it is known what was said: one that was not read yet is not empty. */
  get loaded(): boolean {
    return this._loaded;
  }

  /** Why the history could not be read, in words. */
  get trouble(): string | null {
    return this._trouble;
  }

  /** Something was said, taken away or queued, or it has another name. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The answer in progress changed its phase, or there is another one. */
  get stateChanged(): ISignal<this, void> {
    return this._stateChanged;
  }

  /** End the answer in progress; the text so far is kept. */
  async stop(): Promise<void> {
    await this._turn?.stop();
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

  /** From now on it shows what a notebook goes on with, whichever conversation that is. */
  belongTo(notebook: string): void {
    this.notebook = notebook;
    this._chosen = false;
  }

  /** From now on it shows the conversation that it shows now, whatever its notebook goes on with. */
  standAlone(): void {
    this._chosen = true;
  }

  /** An answer is over: ask what has waited for that. */
  protected abstract goOn(answer: Answer): Promise<void>;

  /** Have a turn under way until its answer is over, and then ask what has waited for that. */
  protected async _follow(turn: Turn, run: () => Promise<void>): Promise<void> {
    const { answer } = turn;
    const tree = this._tree;
    this._turn = turn;
    this._turns++;
    const onChange = (_: Answer, what: 'text' | 'phase') => {
      if (tree !== this._tree) {
        // Another conversation has begun here; this answer is written to its end in the one before.
        return;
      }
      if (this._turn === turn && turn.conversation) {
        this._id = turn.conversation;
      }
      if (what === 'phase') {
        if (tree.note(answer, this._said)) {
          this._changed.emit();
        }
        this._stateChanged.emit();
      }
    };
    answer.changed.connect(onChange);
    const watch = new LoadWatch(answer, () => loadFor(answer, this.server));
    this._stateChanged.emit();
    void run();
    await turn.over;
    answer.changed.disconnect(onChange);
    watch.dispose();
    if (tree !== this._tree) {
      return;
    }
    if (this._turn === turn && answer.problem?.type === 'not_found') {
      // A server that has started anew no longer has it: Try again begins another.
      this._id = null;
    }
    this._stateChanged.emit();
    if (this._stale || this._trouble !== null) {
      await this.refresh();
    } else if (!this._title && this._id !== null) {
      void this._learnTitle(this._id);
    }
    await this.goOn(answer);
  }

  private async _learnTitle(id: string): Promise<void> {
    // A name is a comfort: the next look at the history brings it.
    const found = await this.server.facts(id).catch(() => null);
    if (found && id === this._id) {
      this.title = found.title;
    }
  }

  /** Read what was said, and show it. */
  protected async _read(): Promise<void> {
    const { server } = this;
    const turns = this._turns;
    const own = this._chosen || this.notebook === null;
    if (own && this._id === null) {
      this._loaded = true;
      return;
    }
    const found = own
      ? await server.told(this._id ?? '')
      : await server.conversation(this.notebook ?? '');
    if (turns !== this._turns) {
      // What was read before a question was asked no longer says what there is, and is not shown yet.
      if (this.busy) {
        this._stale = true;
        return;
      }
      return this._read();
    }
    if (!own && found && this._yields(found.id)) {
      // What was read is shown elsewhere; one that goes on by itself has its own to read.
      return this._chosen ? this._read() : undefined;
    }
    this._loaded = true;
    const branch = this._tree.take(found?.messages ?? []);
    this._title = found?.title ?? null;
    this.notebook = this._chosen ? (found?.notebook ?? null) : this.notebook;
    this._adopt(found?.id ?? (own ? this._id : null), branch);
    this._changed.emit();
  }

  /** Show a branch, leaving what is shown already as it is, and follow what is being written in it. */
  protected _adopt(conversation: string | null, branch: IStoredMessage[]): void {
    const shown = [...this._said];
    const { kept, fresh, unsent, unwanted } = compare(shown, branch);
    this._id = conversation;
    if (kept + unsent.length < shown.length || fresh.length) {
      this._show([...shown.slice(0, kept), ...fresh, ...unsent]);
    }
    const reactions = new Map(branch.map(message => [message.id, message.reaction]));
    for (const said of shown.slice(0, kept)) {
      const reaction = reactions.get(said.id ?? '') ?? null;
      if (said instanceof Answer && said.reaction !== reaction) {
        said.react(reaction);
      }
    }
    if (this.answer?.over && !this._said.includes(this.answer)) {
      this._turn = null;
    }
    for (const said of fresh) {
      if (said instanceof Answer && !said.over) {
        const turn = new Turn(said, conversation, this.server);
        void this._follow(turn, () => turn.join());
        if (unwanted.includes(said)) {
          // Stopped while the server could not be reached.
          void turn.stop();
        }
      }
    }
  }

  protected _show(said: Said[]): void {
    this._said = said;
    this._changed.emit();
  }

  /** Wait until nothing is being written. */
  protected async _settled(): Promise<void> {
    if (this.busy) {
      await this.stop();
      await this._turn?.over;
    }
  }

  protected readonly server: TetherServer;
  protected _id: string | null;
  protected _title: string | null = null;
  protected _said: Said[] = [];
  /** Whether somebody has chosen this conversation, whatever its notebook goes on with. */
  private _chosen: boolean;
  private _yields: (conversation: string) => boolean;
  protected _loaded = false;
  /** A conversation that begins has another one. */
  protected _tree = new Tree();
  /** The turn under way, or the last one. */
  protected _turn: Turn | null = null;
  /** Something was said at another door while an answer was under way here. */
  private _stale = false;
  protected _trouble: string | null = null;
  /** Counts what makes an answer of the history's routes stale. */
  protected _turns = 0;
  protected _changed = new Signal<this, void>(this);
  protected _stateChanged = new Signal<this, void>(this);
}
