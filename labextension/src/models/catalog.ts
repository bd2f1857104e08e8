import { Signal } from '@lumino/signaling';

import { activity } from '../server/activity';
import { change, inForce } from '../server/clients';
import type { IProblem } from '../server/events';
import { gaveBack, IModelState } from '../server/models';
import { previewOf } from '../server/preview';
import { asTurnError } from '../server/problems';
import type { IHealth, TetherServer } from '../server/request';
import { load, remove } from '../server/shelf';
import { address, Doing, isChosen, isService, loadsNow } from './rows';

/** How often the figures are looked at while a model loads, and while nothing happens, ms. */
const LOOK_MS = 1000;
const REST_MS = 15_000;

/** Under this name, which no model has, is kept what went wrong with the model that the server is set to. */
export const SERVERS = '';

/** What can answer or be fetched, which of them does, and what is being done with them. */
export class Catalog {
  constructor(readonly server: TetherServer) {}

  readonly changed = new Signal<this, void>(this);
  /** Something ended that a person waited for, in a sentence. */
  readonly told = new Signal<this, string>(this);

  /** Null until the server has told them. */
  models: IModelState[] | null = null;
  /** Why a backend does not tell its models. */
  problem: string | null = null;
  /** Why the list could not be read; what was read before is still there. */
  failure: IProblem | null = null;
  /** Which model questions of the sidebar go to, as the settings name it, and the layer that says so. */
  chosen: string | null = null;
  layer: string | null = null;
  /** What went wrong with a model, by its name. */
  readonly failures = new Map<string, IProblem>();

  doing(model: IModelState): Doing | undefined {
    return this._doing.get(model.name);
  }

  /** The model that answers, where it is in the list. */
  get answering(): IModelState | null {
    return this.models?.find(each => isChosen(each, this.chosen)) ?? null;
  }

  /** Read everything anew. */
  async refresh(): Promise<void> {
    try {
      const [found, values] = await Promise.all([this.server.models(), inForce(this.server)]);
      this.models = found.models;
      this.problem = found.problem;
      const { value, layer } = values.model ?? { value: null, layer: null };
      this.chosen = typeof value === 'string' ? value : null;
      this.layer = layer;
      this.failure = null;
      this._seen = null;
    } catch (reason) {
      this.failure = asTurnError(reason).problem;
    }
    this.changed.emit();
  }

  /** Look now and then for as long as somebody looks at the page. */
  watch(): void {
    this._watchers++;
    void this.refresh();
    this._again();
  }

  unwatch(): void {
    this._watchers--;
    if (!this._watchers) {
      clearTimeout(this._timer);
    }
  }

  /** Let a model answer from now on. One of this machine is loaded first, which shows whether it can. */
  async use(model: IModelState): Promise<boolean> {
    if (!isService(model) && !model.loaded && !(await this.load(model, false))) {
      return false;
    }
    return this._choose(address(model), model.name, isService(model));
  }

  /** Let a model answer that the list may not have, such as one of a service. */
  async useNamed(wanted: string): Promise<boolean> {
    const here = this.models?.find(
      each => each.installed && !isService(each) && isChosen(each, wanted)
    );
    return here ? this.use(here) : this._choose(wanted, wanted, true);
  }

  /** Keep a model as the one that answers; `looking` finds out first whether it could. */
  private async _choose(wanted: string, name: string, looking: boolean): Promise<boolean> {
    return this._try(name, async () => {
      if (looking) {
        await this._canAnswer(wanted);
      }
      await change(this.server, { model: wanted });
      await this.refresh();
      this.told.emit(
        this.chosen === wanted
          ? `${name} answers from now on.`
          : `${name} is kept as your choice, but the active preset names another model.`
      );
    });
  }

  /** Raises TurnError where a question would be refused before anything is sent: no such model, or no key. */
  private async _canAnswer(wanted: string): Promise<void> {
    const question = { message: '?', model: wanted, store: false };
    const { backend } = (await previewOf(this.server, question, undefined, true)).to;
    if (backend === 'local' || backend === 'openai') {
      // A service has no models to load: it is woken alone, which shows whether there is a key and asks nobody.
      await load(this.server, backend === 'local' ? wanted : backend);
    }
  }

  /** Let the model answer that the server is set to. */
  async useServers(): Promise<void> {
    this.told.emit('Getting the model ready that the server is set to…');
    await this._try(SERVERS, async () => {
      // Another may be loaded in its place, and the list knows only that one.
      await load(this.server, null);
      await change(this.server, { model: null });
      await this.refresh();
      this.told.emit('The model that the server is set to answers from now on.');
    });
  }

  async load(model: IModelState, tell = true): Promise<boolean> {
    return this._do(model, 'loading', async () => {
      await load(this.server, address(model));
      if (tell) {
        this.told.emit(`${model.name} is loaded.`);
      }
    });
  }

  async unload(model: IModelState): Promise<boolean> {
    return this._do(model, 'unloading', async () => {
      const health = await this.server.health().catch(() => null);
      await this.server.unload(model.backend);
      this.told.emit(gaveBack([model], health));
    });
  }

  async remove(model: IModelState): Promise<boolean> {
    return this._do(model, 'removing', async () => {
      await remove(this.server, model.name);
      this.told.emit(`${model.name} is removed from this machine.`);
    });
  }

  private async _do(model: IModelState, doing: Doing, work: () => Promise<void>): Promise<boolean> {
    this._doing.set(model.name, doing);
    this._again();
    const well = await this._try(model.name, work);
    this._doing.delete(model.name);
    await this.refresh();
    this._again();
    return well;
  }

  private async _try(name: string, work: () => Promise<void>): Promise<boolean> {
    this.failures.delete(name);
    this.changed.emit();
    // Whatever shows the model's state elsewhere looks again.
    const end = activity.begin();
    try {
      await work();
      return true;
    } catch (reason) {
      const { problem } = asTurnError(reason);
      this.failures.set(name, problem);
      this.told.emit(problem.message);
      this.changed.emit();
      return false;
    } finally {
      end();
    }
  }

  private _again(): void {
    clearTimeout(this._timer);
    const busy =
      this._doing.size > 0 || Boolean(this.models?.some(each => !each.loaded && loadsNow(each)));
    if (busy || this._watchers) {
      this._timer = setTimeout(() => void this._look(busy), busy ? LOOK_MS : REST_MS);
    }
  }

  private async _look(busy: boolean): Promise<void> {
    if (!document.hidden || busy) {
      // Reading the list counts as work, and would keep an idle server from being stopped; health does not.
      const health = busy ? null : await this.server.health().catch(() => null);
      if (busy || (health && this._differs(health)) || this.failure) {
        await this.refresh();
      }
    }
    this._again();
  }

  private _differs({ model, llm_service: service, problem }: IHealth): boolean {
    const { running, waiting, progress } = service?.engine ?? {};
    const seen = JSON.stringify([model, service?.ready, running, waiting, progress, problem]);
    const before = this._seen;
    this._seen = seen;
    return before !== null && before !== seen;
  }

  private _doing = new Map<string, Doing>();
  private _watchers = 0;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _seen: string | null = null;
}
