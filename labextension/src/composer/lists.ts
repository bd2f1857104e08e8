import { ISignal, Signal } from '@lumino/signaling';

import {
  IModelChoice,
  IPreset,
  modelChoices,
  modelId,
  presets,
  useForAll,
  usualModel
} from '../server/choices';
import { settingsChanged } from '../server/clients';
import { isToldOf } from '../server/models';
import type { Level } from './commands';
import { asTurnError } from '../server/problems';
import type { IHealth, TetherServer } from '../server/request';
import { ISuggestedPrompt, suggestedPrompts } from '../server/suggestions';

const LOOKING = 'Looking…';

export type ListName = 'models' | 'presets' | 'prompts' | 'usual';

/** What is chosen from below the field: models, presets, prompts. Each is asked for when it is first needed. */
export class Lists {
  constructor(readonly server: TetherServer) {
    settingsChanged.connect(() => {
      if (this._asked.has('usual')) {
        void this.lookUsual(true);
      }
    });
  }

  models: readonly IModelChoice[] = [];
  presets: readonly IPreset[] = [];
  prompts: readonly ISuggestedPrompt[] = [];
  /** `backend:model` that answers where a conversation does not say; null until it is known. */
  usual: string | null = null;
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Why a list is not there, or that it is being read, in words. */
  note(list: ListName): string | null {
    return this._problems.get(list) ?? (this._read.has(list) ? null : LOOKING);
  }

  lookModels(again = false): Promise<void> {
    return this._once('models', again, async () => {
      const found = await modelChoices(this.server);
      this.models = found.models;
      if (found.problem) {
        this._problems.set('models', found.problem);
      }
    });
  }

  lookPresets(again = false): Promise<void> {
    return this._once('presets', again, async () => {
      this.presets = await presets(this.server);
    });
  }

  lookPrompts(again = false): Promise<void> {
    return this._once('prompts', again, async () => {
      this.prompts = await suggestedPrompts(this.server);
    });
  }

  lookUsual(again = false): Promise<void> {
    return this._once('usual', again, async () => {
      const { value, own } = await usualModel(this.server);
      this.usual = value;
      this._own = own;
    });
  }

  /** Ask this model wherever a conversation does not say. */
  async useForAll(model: string): Promise<void> {
    await useForAll(this.server, model);
    await this.lookUsual(true);
  }

  /** What health tells, where that is the model that would answer; null for another, and until it is known. */
  healthOf(model: string | undefined, health: IHealth | null): IHealth | null {
    if (!model && this.note('usual') === LOOKING) {
      return null;
    }
    // What the server is set to is what its health is about, whatever was put in its place since then.
    const id = model ?? (this._own ? this.usual : null);
    return health && isToldOf(id, health) ? health : null;
  }

  /** What is known of the model that would answer. */
  inForce(model: string | undefined, health: IHealth | null): IModelInForce | null {
    const id = model ?? this.usual;
    const known = this.models.find(each => modelId(each) === id || each.name === id);
    if (known && !(health?.demo && known.active)) {
      return {
        id: modelId(known),
        name: known.name,
        place: placeOf(known),
        window: known.context_length,
        sees: known.vision ?? null
      };
    }
    if (health && (!id || id === `${health.backend}:${health.model}` || id === health.model)) {
      const name = health.demo ? 'demo model' : health.model || 'no model';
      return {
        id: id ?? '',
        name,
        place: health.place,
        window: known?.context_length ?? null,
        sees: known?.vision ?? null
      };
    }
    return id ? { id, name: nameIn(id, health), place: '', window: null, sees: null } : null;
  }

  private _once(what: ListName, again: boolean, look: () => Promise<void>): Promise<void> {
    const known = again ? undefined : this._asked.get(what);
    if (known) {
      return known;
    }
    this._problems.delete(what);
    const asked = look()
      .then(() => void this._read.add(what))
      .catch(reason => {
        this._asked.delete(what);
        this._problems.set(what, asTurnError(reason).problem.message);
      })
      .then(() => this._changed.emit());
    this._asked.set(what, asked);
    return asked;
  }

  /** Whether the sidebar's own settings name the usual one. */
  private _own = false;
  private _asked = new Map<ListName, Promise<void>>();
  private _read = new Set<ListName>();
  private _problems = new Map<ListName, string>();
  private _changed = new Signal<this, void>(this);
}

/** The model's name in `backend:model`; a back end of one's own has a colon in its own name. */
export function nameIn(id: string, health: IHealth | null): string {
  const own = `${health?.backend}:`;
  return id.startsWith(own) ? id.slice(own.length) : id.slice(id.indexOf(':') + 1);
}

export interface IModelInForce {
  id: string;
  name: string;
  place: string;
  window: number | null;
  /** Whether it takes pictures; null where nobody knows. */
  sees: boolean | null;
}

export const SEE_LABEL: Record<Level, string> = {
  off: 'Sees nothing',
  schema: 'Sees schema',
  samples: 'Sees samples',
  values: 'Sees values'
};

export function placeOf(model: IModelChoice): string {
  return model.place ?? 'this machine';
}
