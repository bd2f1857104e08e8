import type { TetherServer } from '../server/request';

/** How the model that answers can be asked, as far as a completion must know. */
export interface IModelHere {
  /** It is computed on this machine, by Tether's own engine. */
  local: boolean;
  /** It has been taught no code. */
  demo: boolean;
  ready: boolean;
  /** It only chats: it fills no gaps. */
  chats: boolean;
  place: string;
}

/** Milliseconds for which an answer holds, and for which a bad one does. */
const GOOD = 60_000;
const BAD = 10_000;

/** Knows which model would answer, without asking at each key. */
export class Where {
  constructor(private _server: TetherServer) {}

  /** The model that answers, or null where the server does not tell. */
  async find(): Promise<IModelHere | null> {
    if (!this._asked || Date.now() > this._until) {
      this._until = Date.now() + GOOD;
      this._asked = this._ask();
    }
    return this._asked;
  }

  /** Look again soon: what was known is no longer so. */
  forget(ready?: boolean): void {
    this._until = Math.min(this._until, Date.now() + BAD);
    if (ready === false) {
      this._asked = this._asked?.then(found => found && { ...found, ready }) ?? null;
    } else {
      this._asked = null;
    }
  }

  private async _ask(): Promise<IModelHere | null> {
    try {
      const health = await this._server.health();
      const type = health.llm_service?.type;
      const ready = health.llm_service?.ready === true;
      this._until = Date.now() + (ready ? GOOD : BAD);
      return {
        local: type === 'local' && health.place === 'this machine',
        demo: health.demo,
        ready,
        chats: type === 'openai' || type === 'mock',
        place: health.place
      };
    } catch {
      this._until = Date.now() + BAD;
      return null;
    }
  }

  private _asked: Promise<IModelHere | null> | null = null;
  private _until = 0;
}
