import { ISignal, Signal } from '@lumino/signaling';

import { asTurnError } from '../server/problems';
import { changeProject, createProject, IProject, listProjects } from '../server/projects';
import type { TetherServer } from '../server/request';
import {
  changeThread,
  getThread,
  IThread,
  IThreadChange,
  listThreads,
  removeThread
} from '../server/threads';

/** The first page is what a person sees at once; the rest comes in large ones. */
const FIRST_PAGE = 100;
const PAGE = 1000;

/** While an answer is being written somewhere, look again this often, ms. */
const WRITING_POLL_MS = 3000;

/** All conversations and projects, as far as they are known here. A change shows at once, and goes back if it fails. */
export class Shelf {
  constructor(private _server: TetherServer) {}

  readonly threads = new Map<string, IThread>();
  projects: IProject[] = [];
  /** Those that were deleted and can be restored; null until somebody looks. */
  deleted: IThread[] | null = null;
  writing: ReadonlySet<string> = new Set();
  loading = false;
  /** Why they could not be read, in words. */
  trouble: string | null = null;

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The project that a conversation is in, unless that was deleted. */
  projectOf(id: string | null): IProject | null {
    return this.projects.find(project => project.id === id) ?? null;
  }

  /** Read everything anew. */
  async load(): Promise<void> {
    const reading = ++this._reading;
    const seen = new Set<string>();
    this.loading = true;
    this._changed.emit();
    try {
      const projects = await listProjects(this._server);
      if (reading !== this._reading) {
        return;
      }
      this.projects = projects;
      for (let offset: number | null = 0; offset !== null;) {
        const limit: number = offset ? PAGE : FIRST_PAGE;
        const page = await listThreads(this._server, { offset, limit });
        if (reading !== this._reading) {
          return;
        }
        for (const thread of page.conversations) {
          seen.add(thread.id);
          this.threads.set(thread.id, thread);
        }
        this._setWriting(page.writing);
        offset = page.next;
        this._changed.emit();
      }
      for (const id of [...this.threads.keys()].filter(each => !seen.has(each))) {
        this.threads.delete(id);
      }
      this.trouble = null;
    } catch (reason) {
      if (reading === this._reading) {
        this.trouble = asTurnError(reason).problem.message;
      }
    }
    if (reading === this._reading) {
      this.loading = false;
      this._changed.emit();
    }
  }

  async loadDeleted(): Promise<void> {
    try {
      let changes: number;
      let page: Awaited<ReturnType<typeof listThreads>>;
      do {
        // What is read while something is deleted or restored may be older than that.
        changes = this._changes;
        page = await listThreads(this._server, { offset: 0, limit: PAGE, deleted: true });
      } while (changes !== this._changes);
      // What was deleted last is what is looked for first.
      const at = (thread: IThread) => thread.deleted_at ?? '';
      this.deleted = page.conversations.sort((a, b) => at(b).localeCompare(at(a)));
      this.trouble = null;
    } catch (reason) {
      this.trouble = asTurnError(reason).problem.message;
    }
    this._changed.emit();
  }

  /** Read one conversation anew: its title and its count change with what is said. */
  async look(id: string): Promise<IThread> {
    const found = await getThread(this._server, id);
    this._put(found);
    return found;
  }

  /** Rename, pin or move a conversation. Raises TurnError, and shows what was before. */
  async change(id: string, change: IThreadChange): Promise<IThread> {
    const before = this.threads.get(id);
    if (before) {
      // An empty title is made by the server.
      const { title, ...rest } = change;
      this._put({ ...before, ...rest, ...(title && { title }) });
    }
    return this._ask(
      () => changeThread(this._server, id, change),
      after => this._put(after),
      () => before && this._put(before)
    );
  }

  /** Delete a conversation; it can be restored. Raises TurnError. */
  async remove(id: string): Promise<void> {
    const before = this.threads.get(id);
    this.threads.delete(id);
    this._changed.emit();
    await this._ask(
      () => removeThread(this._server, id),
      gone => {
        this.deleted = this.deleted && [gone, ...this.deleted.filter(each => each.id !== id)];
        this._changed.emit();
      },
      () => before && this._put(before)
    );
  }

  /** Bring a deleted conversation back. Raises TurnError. */
  async restore(id: string): Promise<void> {
    await this._ask(
      () => changeThread(this._server, id, { deleted: false }),
      found => {
        this.deleted = this.deleted?.filter(each => each.id !== id) ?? null;
        this._put(found);
      }
    );
  }

  /** Make a project. Raises TurnError. */
  async createProject(name: string): Promise<IProject> {
    return this._ask(
      () => createProject(this._server, name),
      made => this._putProject(made)
    );
  }

  /** Rename a project, delete it or restore it. Raises TurnError, and shows what was before. */
  async changeProject(
    project: IProject,
    change: { name?: string; deleted?: boolean }
  ): Promise<void> {
    if (change.name) {
      this._putProject({ ...project, name: change.name });
    }
    await this._ask(
      () => changeProject(this._server, project.id, change),
      after => this._putProject(after),
      () => this._putProject(project)
    );
  }

  /** Look now and then who is writing, as long as somebody looks at the list. */
  set watched(value: boolean) {
    this._watched = value;
    this._poll();
  }

  /**
   * Ask for a change, and show what comes of it. What is being read meanwhile may be older than the change: it is
   * given up, and read anew after it.
   */
  private async _ask<T>(
    ask: () => Promise<T>,
    show: (after: T) => void,
    goBack: () => void = () => undefined
  ): Promise<T> {
    const wasReading = this.loading;
    this._reading++;
    this._changes++;
    this.loading = false;
    try {
      const after = await ask();
      show(after);
      return after;
    } catch (reason) {
      goBack();
      throw asTurnError(reason);
    } finally {
      this._reading++;
      this._changes++;
      if (wasReading || this.loading) {
        void this.load();
      }
    }
  }

  private _put(thread: IThread): void {
    if (thread.deleted_at) {
      this.threads.delete(thread.id);
    } else {
      this.threads.set(thread.id, thread);
    }
    this._changed.emit();
  }

  private _putProject(project: IProject): void {
    const others = this.projects.filter(each => each.id !== project.id);
    this.projects = project.deleted_at
      ? others
      : [...others, project].sort((a, b) => a.name.localeCompare(b.name));
    this._changed.emit();
  }

  private _setWriting(ids: string[]): void {
    this.writing = new Set(ids);
    this._poll();
  }

  private _poll(): void {
    clearTimeout(this._timer);
    if (this._watched && this.writing.size) {
      this._timer = setTimeout(() => void this._lookWhoWrites(), WRITING_POLL_MS);
    }
  }

  private async _lookWhoWrites(): Promise<void> {
    const reading = this._reading;
    try {
      const page = await listThreads(this._server, { offset: 0, limit: FIRST_PAGE });
      for (const thread of reading === this._reading ? page.conversations : []) {
        this.threads.set(thread.id, thread);
      }
      this._setWriting(page.writing);
    } catch {
      // The list says nothing of it: what it shows is as true as it was.
      this._poll();
    }
    this._changed.emit();
  }

  /** Counts what makes a reading stale. */
  private _reading = 0;
  /** Counts what is changed here, at its beginning and at its end. */
  private _changes = 0;
  private _watched = false;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _changed = new Signal<this, void>(this);
}
