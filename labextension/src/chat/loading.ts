import { ILoad, loadIn, loadOf } from '../server/models';
import type { TetherServer } from '../server/request';
import type { Answer } from './answer';
import type { Phase } from './words';

/** How long an answer waits before anybody asks why, and how often they ask then, ms. */
const LOOK_MS = 1000;

/** Phases after which an answer may still come to wait for its first word. */
const BEFORE: readonly Phase[] = ['sending', 'joining', 'lost'];

/** While an answer waits for its first word, looks whether its model is being loaded. */
export class LoadWatch {
  constructor(
    private _answer: Answer,
    private _load: () => Promise<ILoad | null>
  ) {
    _answer.changed.connect(this._follow, this);
  }

  dispose(): void {
    this._disposed = true;
    clearTimeout(this._timer);
    this._answer.changed.disconnect(this._follow, this);
  }

  private get _waits(): boolean {
    return this._answer.phase === 'waiting' || this._answer.phase === 'loading';
  }

  private _follow(): void {
    if (this._waits) {
      this._timer ??= setTimeout(() => void this._look(), LOOK_MS);
    } else if (!BEFORE.includes(this._answer.phase)) {
      this.dispose();
    }
  }

  private async _look(): Promise<void> {
    this._timer = undefined;
    // The turn itself says what is wrong with the server.
    const load = await this._load().catch(() => null);
    if (this._disposed || !this._waits) {
      return;
    }
    if (load) {
      this._timer = setTimeout(() => void this._look(), LOOK_MS);
    }
    this._answer.loading(load);
    if (!load) {
      this.dispose();
    }
  }

  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _disposed = false;
}

/** How far the model of an answer is loaded; null where it is, or where nothing has to be. */
export async function loadFor(answer: Answer, server: TetherServer): Promise<ILoad | null> {
  const health = await server.health();
  const { model } = answer;
  // Health tells of the usual backend alone.
  return model === null || model.startsWith(`${health.backend}:`)
    ? loadOf(health)
    : loadIn((await server.models()).models, model);
}
