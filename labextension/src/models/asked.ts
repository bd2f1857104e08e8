import { Signal } from '@lumino/signaling';

import * as clients from '../server/clients';
import type { ILlm, InForce, IPreset, IPresetFile } from '../server/clients';
import type { IProblem } from '../server/events';
import { asTurnError } from '../server/problems';
import type { TetherServer } from '../server/request';
import { fileOf, freeName } from './presetFile';
import { FIELDS } from './values';

/** What the model is asked with: the sidebar's own values, what is in force and why, and the presets. */
export class Asked {
  constructor(private _server: TetherServer) {}

  readonly changed = new Signal<this, void>(this);
  readonly told = new Signal<this, string>(this);

  own: ILlm | null = null;
  effective: InForce = {};
  presets: IPreset[] = [];
  problem: IProblem | null = null;

  get active(): IPreset | null {
    return this.presets.find(each => each.active) ?? null;
  }

  async refresh(): Promise<void> {
    await this._try(async () => this._read());
  }

  async set(values: clients.LlmChange): Promise<boolean> {
    return this._try(async () => {
      await clients.change(this._server, values);
      await this._read();
    });
  }

  /** Which model answers and what it may see are set elsewhere, and stay. */
  async reset(): Promise<boolean> {
    const nothing = Object.fromEntries(FIELDS.map(({ name }) => [name, null]));
    return this._change('All values are the usual ones again.', async () => {
      await clients.change(this._server, nothing);
    });
  }

  /** Keep what the sidebar's layers set under a name. What may be seen is no matter of style, and stays out. */
  async create(name: string): Promise<boolean> {
    return this._change(`${name} is kept.`, async () => {
      const values = Object.entries(await clients.inForce(this._server))
        .filter(([field, { layer }]) => field !== 'see' && clients.OWN_LAYERS.includes(layer))
        .map(([field, { value }]) => [field, value]);
      await clients.createPreset(this._server, name, Object.fromEntries(values));
    });
  }

  async apply(preset: IPreset): Promise<boolean> {
    return this._change(`The values of ${preset.name} are copied into the settings.`, () =>
      clients.applyPreset(this._server, preset.name)
    );
  }

  async activate(preset: IPreset, active: boolean): Promise<boolean> {
    const words = active ? 'lies over the settings now' : 'no longer lies over the settings';
    return this._change(`${preset.name} ${words}.`, () =>
      clients.activatePreset(this._server, preset.name, active)
    );
  }

  async rename(preset: IPreset, name: string): Promise<boolean> {
    return this._change(`${preset.name} is called ${name} now.`, () =>
      clients.renamePreset(this._server, preset, name)
    );
  }

  async remove(preset: IPreset): Promise<boolean> {
    return this._change(`${preset.name} is deleted.`, () =>
      clients.deletePreset(this._server, preset.name)
    );
  }

  /** Bring back what was deleted. */
  async restore(preset: IPreset): Promise<boolean> {
    return this._change(`${preset.name} is back.`, async () => {
      await clients.createPreset(this._server, preset.name, preset.values);
      if (preset.active) {
        await clients.activatePreset(this._server, preset.name, true);
      }
    });
  }

  /** Take in the text of a file. A name that is taken gets a number, so nothing is lost. */
  async import(text: string): Promise<boolean> {
    return this._try(async () => {
      const file = fileOf(text);
      const taken = this.presets.map(each => each.name);
      const added: IPresetFile = { presets: [] };
      for (const each of file.presets) {
        const name = freeName(each.name, taken);
        taken.push(name);
        added.presets.push({ ...each, name });
      }
      await clients.importPresets(this._server, added, false);
      await this._read();
      const count = added.presets.length;
      this.told.emit(
        count === 1 ? `${added.presets[0].name} is here.` : `${count} presets are here.`
      );
    });
  }

  /** The text of a file with presets, which `import` takes. */
  export(presets: readonly IPreset[]): string {
    const file: IPresetFile = { presets: presets.map(({ name, values }) => ({ name, values })) };
    return `${JSON.stringify(file, null, 2)}\n`;
  }

  private async _change(words: string, work: () => Promise<void>): Promise<boolean> {
    return this._try(async () => {
      await work();
      await this._read();
      this.told.emit(words);
    });
  }

  private async _read(): Promise<void> {
    const [own, effective, found] = await Promise.all([
      clients.ownSettings(this._server),
      clients.inForce(this._server),
      clients.presets(this._server)
    ]);
    this.own = own;
    this.effective = effective;
    this.presets = found.presets;
  }

  /** One thing after the other: a field that is left for a button is kept before the button does its work. */
  private async _try(work: () => Promise<void>): Promise<boolean> {
    const turn = this._last.then(async () => this._run(work));
    this._last = turn;
    return turn;
  }

  private async _run(work: () => Promise<void>): Promise<boolean> {
    let well = true;
    try {
      await work();
      this.problem = null;
    } catch (reason) {
      this.problem = asTurnError(reason).problem;
      this.told.emit(this.problem.message);
      well = false;
    }
    this.changed.emit();
    return well;
  }

  private _last: Promise<unknown> = Promise.resolve();
}
