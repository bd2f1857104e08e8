import { Signal } from '@lumino/signaling';

import { activity } from '../server/activity';
import { inForce } from '../server/clients';
import type { IHealth, TetherServer } from '../server/request';

/** How often the server is asked: while nothing happens, and while something does, ms. */
export const REST_MS = 30_000;
export const BUSY_MS = 2_000;

/** What is known of the model that answers; `health` is null where nothing is. */
export interface ILook {
  health: IHealth | null;
  /** Jupyter did not answer the last time. */
  offline: boolean;
  /** The model that the sidebar's questions go to, as the settings name it. */
  chosen: string | null;
}

/** Looks at the server's health now and then: often while it changes, never while nobody sees the page. */
export class HealthWatch {
  constructor(private _server: TetherServer) {
    activity.changed.connect(this._hurry, this);
    document.addEventListener('visibilitychange', this._shown);
  }

  readonly changed = new Signal<this, void>(this);

  look: ILook = { health: null, offline: false, chosen: null };

  /** Begin or stop looking. */
  set on(on: boolean) {
    if (on !== this._on) {
      this._on = on;
      this._due(0);
    }
  }

  /** Look often, for as long as somebody watches. */
  set close(close: boolean) {
    this._close = close;
    this._due(close ? 0 : BUSY_MS);
  }

  /** Look now. */
  async refresh(): Promise<void> {
    try {
      const [health, values] = await Promise.all([
        this._server.health(),
        // A server that cannot read its settings still says so: it is not away.
        inForce(this._server).catch(() => null)
      ]);
      const chosen = values?.model?.value;
      this.look = { health, offline: false, chosen: typeof chosen === 'string' ? chosen : null };
    } catch {
      this.look = { ...this.look, offline: true };
    }
    this.changed.emit();
  }

  dispose(): void {
    this.on = false;
    activity.changed.disconnect(this._hurry, this);
    document.removeEventListener('visibilitychange', this._shown);
  }

  private _shown = () => this._due(0);

  private _hurry(): void {
    // The last figures of an answer are known a moment after its end.
    this._due(BUSY_MS / 4);
  }

  private _due(wait: number): void {
    clearTimeout(this._timer);
    if (this._on && !document.hidden) {
      this._timer = setTimeout(() => void this._next(), wait);
    }
  }

  private async _next(): Promise<void> {
    const asked = ++this._asked;
    await this.refresh();
    if (asked === this._asked) {
      this._due(this._close || activity.busy || stirring(this.look) ? BUSY_MS : REST_MS);
    }
  }

  private _on = false;
  private _close = false;
  private _asked = 0;
  private _timer: ReturnType<typeof setTimeout> | undefined;
}

/** Whether a model loads or writes, whoever asked it to. */
function stirring({ health }: ILook): boolean {
  const { ready, engine } = health?.llm_service ?? {};
  const loads = ready === false && engine?.progress !== undefined && engine.progress < 1;
  return loads || Boolean(engine?.running || engine?.waiting);
}
