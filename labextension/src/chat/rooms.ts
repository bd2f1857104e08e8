import { ISignal, Signal } from '@lumino/signaling';

import { OpenNotebook } from '../notebook/open';
import { contextOf } from '../notebook/read';
import { asTurnError } from '../server/problems';
import { IHealth, TetherServer } from '../server/request';
import { lab } from '../threads/lab';
import { Answer } from './answer';
import { Front } from './front';
import { Thread } from './thread';

/** While the model cannot answer, or nothing can be kept, look again this often. */
const SICK_POLL_MS = 20_000;
/** The shortest time between two looks at a conversation whose window comes to the front, ms. */
const LOOK_MS = 4000;

/** One conversation per notebook; the one of the notebook in front is current. */
export class Rooms {
  constructor(
    readonly server: TetherServer,
    readonly open: OpenNotebook
  ) {
    this._current = this._roomOf(open.path);
    open.changed.connect(this._follow, this);
    open.renamed.connect((_, { from, to }) => this._rename(from, to));
    open.ran.connect((_, { path, asked }) => {
      if (asked) {
        void this._rooms.get(path)?.refresh();
      }
    });
    // What was said or taken away in another window is not told to this one.
    window.addEventListener('focus', this._onFront);
    document.addEventListener('visibilitychange', this._onFront);
    window.addEventListener('pagehide', ({ persisted }) => {
      if (!persisted) {
        this._all().forEach(thread => thread.leave());
      }
    });
    void this._current.refresh();
    void this._bringBack();
    void this.checkHealth();
  }

  get current(): Thread {
    return this._chosen ?? this._current;
  }

  /** Whether Shift+Enter sends, and Enter begins a new line. */
  get sendWithShiftEnter(): boolean {
    return this._sendWithShiftEnter;
  }

  set sendWithShiftEnter(value: boolean) {
    this._sendWithShiftEnter = value;
    this._changed.emit();
  }

  /**
   * Bring another conversation to the front, until a notebook comes there that it is not about, and its reader to a
   * message of it, and to words there. Returns whether the message is there. Raises TurnError.
   */
  async show(
    conversation: string,
    message: string | null = null,
    words: readonly string[] = []
  ): Promise<boolean> {
    this._wanted = conversation;
    const thread = await this._bring(conversation);
    // A notebook's own thread shows what the notebook goes on with, which may be another one by now.
    const moved = thread.id !== conversation && this._wanted === conversation;
    const there = moved ? await this._bring(conversation) : thread;
    return message === null || (await there.goTo(message, words));
  }

  private _all(): Thread[] {
    return [...this._rooms.values(), ...this._others.values()];
  }

  /** Bring the thread of a conversation to the front, and read what was said in it. */
  private async _bring(conversation: string): Promise<Thread> {
    const known = this._all().find(each => each.id === conversation);
    const thread = known ?? this._make(null, conversation);
    if (!known) {
      this._others.set(conversation, thread);
    }
    this._chosen = thread === this._current ? null : thread;
    if (this._chosen) {
      this._front.keep(this.open.path, conversation);
    } else {
      this._front.clear();
    }
    this._changed.emit();
    await thread.refresh();
    return thread;
  }

  /**
   * Bring the conversation of the notebook in front there, unless what is shown may speak of that notebook already.
   *
   * What is asked in another notebook's conversation takes along what the server knows of the other one. Resolves with
   * the conversation that is shown then, once it is read.
   */
  async bringOwn(): Promise<Thread> {
    const { current } = this;
    const { path } = this.open;
    // Until a chosen one is read, nobody knows which notebook it is about.
    const fits = current.notebook === null ? current.loaded : current.notebook === path;
    if (!this._chosen || path === null || fits) {
      return current;
    }
    this._wanted = null;
    this._chosen = null;
    this._front.clear();
    this._changed.emit();
    const room = this._current;
    await room.refresh();
    // Another thread may show by now what the notebook goes on with.
    return this._rooms.get(room.notebook) ?? room;
  }

  /** Begin a fresh conversation for the notebook in front. */
  async begin(): Promise<void> {
    this._wanted = null;
    this._chosen = null;
    this._front.clear();
    this._changed.emit();
    await this._current.fresh();
  }

  /** A conversation is no longer there: if it is in front, what the notebook goes on with comes instead. */
  forget(conversation: string): void {
    this._others.delete(conversation);
    if (this._wanted === conversation) {
      this._wanted = null;
    }
    if (this._chosen?.id === conversation) {
      this._chosen = null;
      this._front.clear();
    }
    this._changed.emit();
    void this.current.refresh();
  }

  /** Another conversation is current, or the health is known anew. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get health(): IHealth | null {
    return this._health;
  }

  /** Why the server does not even tell its health, in words: the message and what to do. */
  get unreachable(): { message: string; hint: string | null } | null {
    return this._unreachable;
  }

  async checkHealth(): Promise<void> {
    window.clearTimeout(this._timer);
    const wasAway = this._unreachable !== null;
    try {
      this._health = await this.server.health();
      this._unreachable = null;
    } catch (reason) {
      this._health = null;
      this._unreachable = asTurnError(reason).problem;
    }
    // Another look may have been taken at the same time.
    window.clearTimeout(this._timer);
    if (this._health?.status !== 'healthy' || this._health.database?.ok === false) {
      this._timer = window.setTimeout(() => void this.checkHealth(), SICK_POLL_MS);
    }
    this._changed.emit();
    const cutOff = this.current.answer?.problem?.type === 'connection_lost';
    const unread = this._health?.status === 'healthy' && this.current.trouble;
    if (!this._unreachable && (wasAway || cutOff || unread)) {
      // What was cut off may have come to its end meanwhile.
      void this.current.refresh();
    }
  }

  private _onFront = (): void => {
    if (!document.hidden) {
      window.clearTimeout(this._looks);
      const wait = this._looked + LOOK_MS - performance.now();
      this._looks = window.setTimeout(() => void this._look(), Math.max(wait, 0));
    }
  };

  /** See what was said elsewhere; an answer or a question that is being written is left alone. */
  private async _look(): Promise<void> {
    const { current } = this;
    const writes = document.activeElement?.closest('.tether-edit');
    if (current.busy || writes || document.hidden) {
      return;
    }
    this._looked = performance.now();
    await current.refresh();
    if (current.trouble) {
      void this.checkHealth();
    }
  }

  private _follow(): void {
    const { path } = this.open;
    const room = this._roomOf(path);
    if (room === this._current) {
      return;
    }
    this._current = room;
    this._wanted = null;
    const read = this._chosen;
    if (read && read !== room && read.id !== null && path !== null && read.notebook === path) {
      // Whoever reads about a notebook and opens it goes on reading.
      this._front.keep(path, read.id);
    } else {
      this._chosen = null;
      void this._bringBack();
    }
    this._changed.emit();
    void room.refresh();
  }

  /** Show what stood before the notebook's own conversation when the page was left, if it is still there. */
  private async _bringBack(): Promise<void> {
    const { path } = this.open;
    const id = this._front.follow(path);
    if (id === null) {
      return;
    }
    const found = await this.server.facts(id).catch(() => null);
    const waits = this._chosen === null && this.open.path === path;
    if (found?.deleted_at === null && waits) {
      await this.show(id);
    }
  }

  private _roomOf(path: string | null): Thread {
    const known = this._rooms.get(path);
    if (known) {
      return known;
    }
    const room = this._make(path);
    this._rooms.set(path, room);
    return room;
  }

  /**
   * Have the thread that shows a conversation already take the place of a notebook's, which is about to show the same
   * one: what is written, queued and typed there lives once. What the notebook's showed before stays with it.
   */
  private _handOver(room: Thread, conversation: string): boolean {
    const other = this._others.get(conversation);
    const before = room.said.length > 0 ? room.id : null;
    if (!other || room.notebook === null || (room.said.length > 0 && before === null)) {
      return false;
    }
    const wanted = before !== null && before === this._wanted && this.current === room;
    this._others.delete(conversation);
    other.belongTo(room.notebook);
    this._rooms.set(room.notebook, other);
    if (before !== null) {
      room.standAlone();
      this._others.set(before, room);
    } else if (!room.draft.isEmpty) {
      other.draft.restore(room.draft.take());
    }
    if (this._current === room) {
      this._current = other;
      if (wanted) {
        // Somebody has asked for this one, whatever the notebook goes on with.
        this._chosen = room;
        this._front.keep(this.open.path, before);
      }
    }
    if (this._chosen === other && this._current === other) {
      this._chosen = null;
      this._front.clear();
    }
    this._changed.emit();
    void other.refresh();
    return true;
  }

  private _make(notebook: string | null, conversation?: string): Thread {
    const thread: Thread = new Thread({
      server: this.server,
      notebook,
      conversation,
      contextOf: words =>
        contextOf(words, this.open.path === thread.notebook ? this.open.panel : null),
      health: () => this._health,
      allowed: () => lab.assistance?.on !== false,
      yields: id => this._handOver(thread, id)
    });
    let looked: Answer | null = null;
    thread.stateChanged.connect(() => {
      const answer = thread.answer;
      if (answer?.over && answer !== looked) {
        looked = answer;
        void this.checkHealth();
      }
    });
    return thread;
  }

  private _rename(from: string, to: string): void {
    const room = this._rooms.get(from);
    if (room) {
      this._rooms.delete(from);
      room.rename(to);
      this._rooms.set(to, room);
    }
    for (const other of this._others.values()) {
      if (other.notebook === from) {
        other.rename(to);
      }
    }
    this._front.rename(from, to);
    this._changed.emit();
  }

  private _front = new Front();
  private _rooms = new Map<string | null, Thread>();
  /** Conversations that somebody has chosen, by their ids. */
  private _others = new Map<string, Thread>();
  /** The conversation of the notebook in front. */
  private _current: Thread;
  /** Another one that is shown instead. */
  private _chosen: Thread | null = null;
  /** The conversation that somebody has asked for last, until anything else comes to the front. */
  private _wanted: string | null = null;
  private _health: IHealth | null = null;
  private _unreachable: { message: string; hint: string | null } | null = null;
  private _sendWithShiftEnter = false;
  private _timer = 0;
  private _looks = 0;
  private _looked = -LOOK_MS;
  private _changed = new Signal<this, void>(this);
}
