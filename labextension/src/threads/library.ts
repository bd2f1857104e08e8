import { ISignal, Signal } from '@lumino/signaling';

import { asTurnError, TurnError } from '../server/problems';
import type { IProject } from '../server/projects';
import type { TetherServer } from '../server/request';
import type { IThread } from '../server/threads';
import { Format, importThread } from '../server/transfer';
import { Finding } from './finding';
import { nameOf, Order } from './groups';
import { lab, openNotebook } from './lab';
import { chooseFile, saveThread } from './save';
import { Shelf } from './shelf';
import { Toast } from './toast';

/** The conversation in front, as the list needs to know it. */
export interface IFront {
  readonly id: string | null;
  title: string | null;
  readonly notebook: string | null;
  readonly said: readonly { id: string | null }[];
  readonly busy: boolean;
}

/** Where conversations come to the front; the chat's rooms are one. */
export interface IStage {
  readonly server: TetherServer;
  readonly open: { readonly path: string | null; readonly changed: ISignal<unknown, void> };
  readonly current: IFront;
  readonly changed: ISignal<unknown, void>;
  /** With a message, its reader is brought there; returns whether it is there. */
  show(conversation: string, message?: string | null, words?: readonly string[]): Promise<boolean>;
  begin(): Promise<void>;
  forget(conversation: string): void;
}

/** Which name is being written over: the one in the head, or one in the list. */
export type Renaming = { in: 'head' | 'list'; id: string } | null;

/** What a person does with conversations, and what the drawer shows of them. */
export class Library {
  constructor(readonly stage: IStage) {
    this.shelf = new Shelf(stage.server);
    this.finding = new Finding(stage.server);
    stage.changed.connect(() => void this._lookAtFront());
    void this._lookAtFront();
  }

  readonly shelf: Shelf;
  readonly finding: Finding;
  readonly toast = new Toast();

  /** Whether the drawer is open, and where the focus is to be in it. */
  shown: 'list' | 'search' | null = null;
  view: 'kept' | 'deleted' = 'kept';
  order: Order = 'time';
  renaming: Renaming = null;
  readonly closed = new Set<string>();

  /** The drawer opens, closes or shows something else. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The conversation in front, if the server has it. */
  get front(): IThread | null {
    return this.shelf.threads.get(this.stage.current.id ?? '') ?? null;
  }

  /** Open the drawer at its list or its search. */
  open(at: 'list' | 'search'): void {
    if (this.shown === null) {
      this.shelf.watched = true;
      void this.shelf.load();
    }
    this.shown = at;
    this._changed.emit();
  }

  close(): void {
    this.shown = null;
    this.view = 'kept';
    this.renaming = null;
    this.shelf.watched = false;
    this.finding.set('', {});
    this._changed.emit();
  }

  look(view: 'kept' | 'deleted'): void {
    this.view = view;
    if (view === 'deleted') {
      void this.shelf.loadDeleted();
    }
    this._changed.emit();
  }

  arrange(order: Order): void {
    this.order = order;
    this._changed.emit();
  }

  /** Open or close a heading of the list. */
  fold(group: string, open: boolean): void {
    if (open) {
      this.closed.delete(group);
    } else {
      this.closed.add(group);
    }
    this._changed.emit();
  }

  rename(renaming: Renaming): void {
    this.renaming = renaming;
    this._changed.emit();
  }

  /** Bring a conversation to the front. */
  async show(id: string): Promise<void> {
    await this._try(() => this.stage.show(id), 'It could not be opened.');
  }

  /** Bring a conversation of the list to the front, at words of a message of it; the list makes room for it. */
  async choose(
    id: string,
    message: string | null = null,
    words: readonly string[] = []
  ): Promise<void> {
    this.close();
    if (message === null) {
      await this.show(id);
      this._chosen.emit();
      return;
    }
    await this._try(async () => {
      if (!(await this.stage.show(id, message, words))) {
        this.toast.say(
          this.stage.current.busy
            ? 'What was found is in another branch. Search again when the answer under way is over.'
            : 'What was found has been taken away since.'
        );
        this._chosen.emit();
      }
    }, 'It could not be opened.');
  }

  /** One was chosen: whoever has the input puts the cursor there. */
  get chosen(): ISignal<this, void> {
    return this._chosen;
  }

  async openNotebook(path: string): Promise<void> {
    await this._try(() => openNotebook(path), 'The notebook was not opened.');
  }

  /** Give a conversation another name; an empty one is made from its first question again. */
  async keepName(id: string, title: string): Promise<void> {
    this.rename(null);
    const before = this.shelf.threads.get(id)?.title ?? '';
    if (title.trim() === before) {
      return;
    }
    await this._try(async () => {
      const after = await this.shelf.change(id, { title: title.trim() });
      if (this.stage.current.id === id) {
        this.stage.current.title = after.title;
        this._changed.emit();
      }
    }, 'The name was not changed.');
  }

  async pin(id: string, pinned: boolean): Promise<void> {
    await this._try(
      () => this.shelf.change(id, { pinned }),
      pinned ? 'It was not pinned.' : 'It was not unpinned.'
    );
  }

  /** Put a conversation into a project, or into none. */
  async move(id: string, project: IProject | null): Promise<void> {
    const before = this.shelf.threads.get(id)?.project_id ?? null;
    await this._try(async () => {
      await this.shelf.change(id, { project_id: project?.id ?? null });
      const words = project ? `Moved to ${project.name}.` : 'Moved out of its project.';
      this.toast.say(words, () => this._back(id, before));
    }, 'It was not moved.');
  }

  /** Delete a conversation, which can be taken back at once, or from the deleted ones. */
  async remove(id: string): Promise<void> {
    const name = nameOf(this.shelf.threads.get(id) ?? this.stage.current);
    const wasInFront = this.stage.current.id === id;
    await this._try(async () => {
      await this.shelf.remove(id);
      this.stage.forget(id);
      if (this.stage.current.id === id) {
        // It was the notebook's own: there is none to go on with, so a fresh one begins.
        await this.stage.begin();
      }
      this.toast.say(`Deleted “${shortened(name)}”.`, () => this.restore(id, wasInFront));
    }, 'It was not deleted.');
  }

  async restore(id: string, andShow = false): Promise<void> {
    await this._try(async () => {
      await this.shelf.restore(id);
      if (andShow) {
        await this.stage.show(id);
      }
    }, 'It was not restored.');
  }

  /** Make a project, and let its name be written at once. */
  async newProject(thread: string | null = null): Promise<void> {
    await this._try(async () => {
      const made = await this.shelf.createProject('New project');
      if (thread !== null) {
        await this.shelf.change(thread, { project_id: made.id });
      }
      this.order = 'project';
      this.view = 'kept';
      this.finding.set('', {});
      this.rename({ in: 'list', id: made.id });
    }, 'No project was made.');
  }

  async nameProject(project: IProject, name: string): Promise<void> {
    this.rename(null);
    if (name.trim() && name.trim() !== project.name) {
      await this._try(
        () => this.shelf.changeProject(project, { name: name.trim() }),
        'The name was not changed.'
      );
    }
  }

  /** Delete a project; its conversations stay, and are in it again when this is taken back. */
  async removeProject(project: IProject): Promise<void> {
    await this._try(async () => {
      await this.shelf.changeProject(project, { deleted: true });
      this.toast.say(`Deleted the project “${shortened(project.name)}”.`, () =>
        this._try(
          () => this.shelf.changeProject(project, { deleted: false }),
          'The project was not restored.'
        )
      );
    }, 'The project was not deleted.');
  }

  /** Download a conversation as a file: of the one in front, the branch that is shown. */
  async save(id: string, format: Format): Promise<void> {
    const { current } = this.stage;
    const said = current.id === id ? current.said : [];
    await this._try(() => saveThread(this.stage.server, id, format, said), 'It was not exported.');
  }

  /** Let a person choose a file to import. */
  chooseImport(): void {
    chooseFile('.json,application/json', file => void this.bring(file));
  }

  /** Keep the conversation that a file holds, and show it. */
  async bring(file: { text(): Promise<string>; name: string }): Promise<void> {
    await this._try(async () => {
      const text = await file.text();
      if (!isObject(text)) {
        throw new TurnError({
          type: 'invalid_request',
          message: `“${shortened(file.name)}” is no exported conversation.`,
          retryable: false,
          hint: 'Choose a JSON file that Tether has exported.'
        });
      }
      const { conversation, missing_attachments: missing } = await importThread(
        this.stage.server,
        text
      );
      this.shelf.threads.set(conversation.id, conversation);
      this.close();
      await this.stage.show(conversation.id);
      const files = missing === 1 ? 'One file' : `${missing} files`;
      this.toast.say(
        `Imported “${shortened(nameOf(conversation))}”.` +
          (missing ? ` ${files} that it names ${missing === 1 ? 'is' : 'are'} not here.` : '')
      );
    }, 'It was not imported.');
  }

  private async _back(id: string, project: string | null): Promise<void> {
    await this._try(() => this.shelf.change(id, { project_id: project }), 'It was not moved back.');
  }

  /** Do something; what goes wrong is told in words. */
  private async _try(action: () => Promise<unknown>, failed: string): Promise<void> {
    try {
      await action();
    } catch (reason) {
      const { message, hint } = asTurnError(reason).problem;
      this.toast.say([failed, message, hint].filter(Boolean).join(' '));
    }
  }

  /** Learn of the conversation in front what its menu has to know. */
  private async _lookAtFront(): Promise<void> {
    const { id, said } = this.stage.current;
    if (id !== null && id !== this._looked && said.length && !this.shelf.threads.has(id)) {
      this._looked = id;
      // The menu does without it if it cannot be had: what is wrong is said elsewhere.
      await this.shelf.look(id).catch(() => null);
    }
    this._changed.emit();
  }

  private _looked: string | null = null;
  private _changed = new Signal<this, void>(this);
  private _chosen = new Signal<this, void>(this);
}

const libraries = new WeakMap<IStage, Library>();

/** The library of a stage, made when it is first asked for. */
export function libraryOf(stage: IStage): Library {
  let found = libraries.get(stage);
  if (!found) {
    found = new Library(stage);
    libraries.set(stage, found);
    lab.library = found;
  }
  return found;
}

function shortened(name: string): string {
  return name.length > 40 ? `${name.slice(0, 39)}…` : name;
}

function isObject(text: string): boolean {
  try {
    const found: unknown = JSON.parse(text);
    return typeof found === 'object' && found !== null && !Array.isArray(found);
  } catch {
    return false;
  }
}
