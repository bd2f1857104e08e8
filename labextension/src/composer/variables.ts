import type { Kernel } from '@jupyterlab/services';
import { ISignal, Signal } from '@lumino/signaling';

import { previewOf, wordsOf } from '../server/preview';
import { TetherServer } from '../server/request';
import { IName, namesIn, NoNames } from './kernel';
import { ISchema, schemaOf, sectionsOf } from './schema';

/** The server describes at most 64 at once; nobody reads that many in a menu. */
const AT_ONCE = 24;

/** The variables of a kernel: their names from the kernel, what they are from the server, which masks and limits. */
export class Variables {
  constructor(private _server: TetherServer) {}

  names: readonly IName[] = [];
  /** Why there are no names, in words. */
  problem: string | null = null;
  /** Whether the names are being asked for. */
  looking = false;

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** What a variable is; null while that is not known. */
  schema(name: string): ISchema | null {
    return this._schemas.get(name) ?? null;
  }

  /** Ask for the names anew, unless nothing has run since. */
  async look(kernel: Kernel.IKernelConnection | null, ran: number): Promise<void> {
    if (!kernel) {
      this._forget(null);
      this.problem = 'No kernel is running, so no variables are listed.';
      this._changed.emit();
      return;
    }
    const key = `${kernel.id} ${ran}`;
    if (this.looking || key === this._key) {
      return;
    }
    this._forget(kernel.id);
    this.looking = true;
    try {
      this.names = await namesIn(kernel, this._server);
      this.problem = null;
      // A cell that still runs makes names whose coming nobody tells.
      this._key = kernel.status === 'idle' ? key : '';
    } catch (reason) {
      this.names = [];
      this.problem =
        reason instanceof NoNames ? reason.message : 'The variables could not be listed.';
    } finally {
      this.looking = false;
      this._changed.emit();
    }
  }

  /** Ask what these variables are, those left out that were asked about before. */
  async describe(names: readonly string[]): Promise<void> {
    const kernel = this._kernel;
    const wanted = names.filter(each => !this._asked.has(each)).slice(0, AT_ONCE);
    if (!kernel || !wanted.length) {
      return;
    }
    wanted.forEach(each => this._asked.add(each));
    try {
      const found = await previewOf(this._server, {
        message: '?',
        // Its conversation is not looked at.
        parent_id: 'root',
        kernel_id: kernel,
        see: { names: wanted, level: 'schema', cells: 'off' }
      });
      if (kernel !== this._kernel) {
        return;
      }
      for (const { content } of found.messages) {
        for (const section of sectionsOf(wordsOf(content))) {
          if (section.kind === 'variable') {
            this._schemas.set(section.name, schemaOf(section.text));
          }
        }
      }
      this._changed.emit();
    } catch {
      // The menu shows the names alone, which is enough to choose one.
    }
  }

  private _forget(kernel: string | null): void {
    this._kernel = kernel;
    this._key = '';
    this._schemas.clear();
    this._asked.clear();
    this.names = [];
  }

  private _kernel: string | null = null;
  private _key = '';
  private _schemas = new Map<string, ISchema>();
  private _asked = new Set<string>();
  private _changed = new Signal<this, void>(this);
}
