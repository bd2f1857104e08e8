import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { Signal } from '@lumino/signaling';

import { IAssistance } from '../tokens';

namespace CommandIDs {
  export const toggle = 'tether:toggle-assistance';
}

/** The switch that turns all assistance off, and its command. */
export const assistance: JupyterFrontEndPlugin<IAssistance> = {
  id: '@tether/jupyterlab:assistance',
  description: 'The switch that turns all of Tether on and off.',
  autoStart: true,
  provides: IAssistance,
  optional: [ISettingRegistry, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    registry: ISettingRegistry | null,
    palette: ICommandPalette | null
  ): IAssistance => {
    const found = new Switch(registry);
    app.commands.addCommand(CommandIDs.toggle, {
      label: args => (args.isMenu ? 'Tether Assistance' : 'Tether: Assistance'),
      caption: 'Turn all of Tether on or off',
      isToggled: () => found.on,
      execute: () => found.set(!found.on)
    });
    found.changed.connect(() => app.commands.notifyCommandChanged(CommandIDs.toggle));
    palette?.addItem({ command: CommandIDs.toggle, category: 'Tether' });
    return found;
  }
};

class Switch implements IAssistance {
  constructor(private _registry: ISettingRegistry | null) {
    this._follow().catch(reason => {
      console.error('Tether:', reason);
      this._turn(true);
    });
  }

  readonly changed: Signal<IAssistance, boolean> = new Signal(this);

  get on(): boolean {
    return this._on;
  }

  async set(on: boolean): Promise<void> {
    if (this._registry) {
      await this._registry.set(assistance.id, 'enabled', on);
    } else {
      this._turn(on);
    }
  }

  private async _follow(): Promise<void> {
    const settings = await this._registry?.load(assistance.id);
    const read = () => this._turn(settings?.get('enabled').composite !== false);
    settings?.changed.connect(read);
    read();
  }

  private _turn(on: boolean): void {
    if (on !== this._on) {
      this._on = on;
      this.changed.emit(on);
    }
  }

  // Off until the setting is known: who turned it off is not to be asked about even once.
  private _on = false;
}
