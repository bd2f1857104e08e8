import { PathExt } from '@jupyterlab/coreutils';
import { ISignal, Signal } from '@lumino/signaling';

import type { IAttachment } from '../chat/ask';
import { asTurnError } from '../server/problems';
import { TetherServer } from '../server/request';
import { attachmentOf, attachPath, discard, IUpload, upload } from '../server/uploads';
import { Draft } from './draft';

/** A file on its way to the server, or one that did not get there. */
export interface ISending {
  readonly key: number;
  readonly name: string;
  /** From 0 to 1; null where nobody can tell. */
  share: number | null;
  problem: string | null;
  readonly picture: string | null;
}

/** Pictures that are kept to be shown small; older ones are let go. */
const PICTURES = 24;

/** The files of a draft, while they are sent and after. */
export class Files {
  constructor(
    private _draft: Draft,
    private _server: TetherServer
  ) {}

  get sending(): readonly ISending[] {
    return this._sending;
  }

  /** Whether something is still on its way. */
  get busy(): boolean {
    return this._sending.some(each => each.problem === null);
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The small picture of an attachment, from the file as it was given here. */
  picture(id: string): string | null {
    return this._pictures.get(id) ?? null;
  }

  /** What is missing of an attachment, in words. */
  note(id: string): string | null {
    return this._notes.get(id) ?? null;
  }

  add(files: Iterable<File>): void {
    for (const file of files) {
      const picture = /^image\/(png|jpeg|gif|webp)$/.test(file.type)
        ? URL.createObjectURL(file)
        : null;
      void this._send(file.name || 'pasted', 0, picture, (item, signal) =>
        upload(
          file,
          share => {
            item.share = share;
            this._changed.emit();
          },
          signal
        )
      );
    }
  }

  /** Attach a file of the workspace. */
  addPath(path: string): void {
    void this._send(PathExt.basename(path), null, null, () => attachPath(this._server, path));
  }

  /** Give up a file that is on its way, or put away the words about one that failed. */
  drop(item: ISending): void {
    this._controls.get(item.key)?.abort();
    this._leave(item);
  }

  /** Take an attachment away; the server need not keep one that no question has. */
  remove(id: string): void {
    this._draft.detach(id);
    if (this._unused.delete(id)) {
      void discard(this._server, id).catch(() => undefined);
    }
  }

  /** They went with a question, and belong to it from now on. */
  used(attachments: readonly IAttachment[]): void {
    attachments.forEach(each => this._unused.delete(each.id));
  }

  private async _send(
    name: string,
    share: number | null,
    picture: string | null,
    send: (item: ISending, signal: AbortSignal) => Promise<IUpload>
  ): Promise<void> {
    const item: ISending = { key: ++this._count, name, share, problem: null, picture };
    const control = new AbortController();
    this._controls.set(item.key, control);
    this._sending = [...this._sending, item];
    this._changed.emit();
    try {
      const found = await send(item, control.signal);
      if (control.signal.aborted) {
        void discard(this._server, found.id).catch(() => undefined);
        return;
      }
      if (picture) {
        this._remember(found.id, picture);
      }
      if (found.problem) {
        this._notes.set(found.id, found.problem);
      }
      this._leave(item);
      this._unused.add(found.id);
      this._draft.attach(attachmentOf(found));
    } catch (reason) {
      if (!control.signal.aborted) {
        item.problem = asTurnError(reason).problem.message;
        this._changed.emit();
      }
    } finally {
      this._controls.delete(item.key);
    }
  }

  private _leave(item: ISending): void {
    this._sending = this._sending.filter(each => each !== item);
    this._changed.emit();
  }

  private _remember(id: string, picture: string): void {
    this._pictures.set(id, picture);
    for (const [old, url] of this._pictures) {
      if (this._pictures.size <= PICTURES) {
        break;
      }
      URL.revokeObjectURL(url);
      this._pictures.delete(old);
    }
  }

  private _sending: readonly ISending[] = [];
  private _controls = new Map<number, AbortController>();
  private _pictures = new Map<string, string>();
  private _unused = new Set<string>();
  private _notes = new Map<string, string>();
  private _count = 0;
  private _changed = new Signal<this, void>(this);
}
