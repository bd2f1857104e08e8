import { effectiveModel, IModelChoice, modelChoices, modelId } from '../server/choices';
import { HERE } from '../server/models';
import type { IHealth, TetherServer } from '../server/request';

/** How a model can be asked, as far as a completion must know. */
export interface IModelHere {
  /** Tether's own engine computes it, on this machine. */
  local: boolean;
  /** It has been taught no code. */
  demo: boolean;
  /** Nothing has to be loaded before it answers. */
  ready: boolean;
  /** It only chats: it fills no gaps. */
  chats: boolean;
  /** `this machine`, or the host that answers; empty where nobody knows. */
  place: string;
  backend: string;
  /** How a request names it, so that no other one is asked; what a gap is filled by needs no name where it is usual. */
  model: string | undefined;
}

/** Milliseconds for which an answer holds, and for which a bad one does. */
const GOOD = 60_000;
const BAD = 10_000;
const LOCAL = 'local';
/** Backends that a server has whatever is set, and those of them that load nothing. */
const BACKENDS = [LOCAL, 'openai', 'mock'];
const AWAKE = ['openai', 'mock'];

/** Knows which model would answer, without asking at each key. */
export class Where {
  constructor(private _server: TetherServer) {}

  /**
   * The model that answers, or null where the server does not tell.
   *
   * It is the one that was chosen for all conversations. Where only a local one may be asked (`local`) and that is
   * none, it is the server's usual one if that is.
   */
  async find(local: boolean): Promise<IModelHere | null> {
    if (!this._asked || Date.now() > this._until) {
      this._until = Date.now() + GOOD;
      this._asked = this._ask();
    }
    const found = await this._asked;
    const usual = local && found?.find(each => each.local && !each.demo);
    return usual || (found?.[0] ?? null);
  }

  /** Look again soon: what was known is no longer so. */
  forget(ready?: boolean): void {
    this._until = Math.min(this._until, Date.now() + BAD);
    if (ready === false) {
      this._asked =
        this._asked?.then(found => found && found.map(each => ({ ...each, ready }))) ?? null;
    } else {
      this._asked = null;
    }
  }

  /** The models that may be asked, the chosen one first. */
  private async _ask(): Promise<IModelHere[] | null> {
    try {
      const [health, chosen] = await Promise.all([
        this._server.health(),
        // Without it the usual one is asked, and by its name.
        effectiveModel(this._server).catch(() => null)
      ]);
      const usual = usualOf(health);
      const own = !chosen || isUsual(chosen, health);
      const found = own ? [usual] : [await this._chosen(chosen, health), usual];
      this._until = Date.now() + (found.every(each => each.ready) ? GOOD : BAD);
      return found;
    } catch {
      this._until = Date.now() + BAD;
      return null;
    }
  }

  private async _chosen(id: string, health: IHealth): Promise<IModelHere> {
    const { models } = await modelChoices(this._server);
    return chosenOf(id, health, models);
  }

  private _asked: Promise<IModelHere[] | null> | null = null;
  private _until = 0;
}

/** The model that a server answers with where nobody says otherwise. */
export function usualOf(health: IHealth): IModelHere {
  const { backend, demo, place } = health;
  const { type = '', ready = false } = health.llm_service ?? {};
  const chats = type !== LOCAL;
  return {
    local: !chats && place === HERE,
    demo,
    ready: ready || AWAKE.includes(type),
    chats,
    place,
    backend,
    // A chat goes to the chosen model unless it names another; the name of a backend stands for its usual one.
    model: chats ? backend : undefined
  };
}

/** A model that was chosen, by what the list tells of it; of backends that are not in use, it tells nothing. */
export function chosenOf(id: string, health: IHealth, models: IModelChoice[]): IModelHere {
  const known = models.find(each => modelId(each) === id || each.name === id);
  const before = id.slice(0, Math.max(0, id.indexOf(':')));
  const backend = known?.backend ?? (BACKENDS.includes(before) ? before : health.backend);
  const usual = usualOf(health);
  const same = backend === health.backend;
  const own = backend === LOCAL || (same && !usual.chats);
  const loaded = known?.loaded === true;
  return {
    local: own,
    demo: false,
    ready: own ? loaded : AWAKE.includes(backend) || (same && usual.ready),
    // A model that is not loaded yet fills no gaps, and asking it something loads it.
    chats: !own || !loaded,
    place: own ? HERE : same ? health.place : (known?.place ?? ''),
    backend,
    model: id
  };
}

function isUsual(id: string, { backend, model }: IHealth): boolean {
  return [backend, model, `${backend}:${model}`].includes(id);
}

/** Why a model that is none of Tether's own is not asked, where only those may be. */
export function refusal({ backend, place }: IModelHere): string {
  const [which, who] =
    place && place !== HERE
      ? ['of this machine', place]
      : ['that Tether itself runs on this machine', `the backend "${backend}"`];
  return (
    `Nothing was sent: ghost text is set to models ${which}, and ${who} answers now. ` +
    'The settings can let whichever model answers be asked.'
  );
}
