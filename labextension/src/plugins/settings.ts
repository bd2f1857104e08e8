import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ISettingRegistry } from '@jupyterlab/settingregistry';

import { TetherServer } from '../server/request';
import { sidebar } from './sidebar';

export namespace CommandIDs {
  export const settings = 'tether:settings';
}

const EDITOR = 'settingeditor:open';

/** Jupyter has enough to do while it starts, ms. */
const FIRST_LOOK_MS = 4000;

/** The settings of Tether: where they are found, and the one that the server has to know. */
export const settings: JupyterFrontEndPlugin<void> = {
  id: '@tether/jupyterlab:settings',
  description:
    'Opens the settings of Tether, and tells the server how much of the data may be seen.',
  autoStart: true,
  optional: [ISettingRegistry, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    registry: ISettingRegistry | null,
    palette: ICommandPalette | null
  ) => {
    app.commands.addCommand(CommandIDs.settings, {
      label: args => (args.isMenu ? 'Settings of Tether' : 'Tether: Settings'),
      caption: 'Open the settings of Tether',
      isEnabled: () => app.commands.hasCommand(EDITOR),
      execute: () => app.commands.execute(EDITOR, { query: 'Tether' })
    });
    palette?.addItem({ command: CommandIDs.settings, category: 'Tether' });
    if (!registry) {
      return;
    }
    void app.restored.then(() =>
      setTimeout(() => {
        void registry.load(sidebar.id).then(async found => {
          const { SeeSetting } = await import('../settings/see');
          const server = new TetherServer(app.serviceManager.serverSettings);
          new SeeSetting(server, found).follow();
        });
      }, FIRST_LOOK_MS)
    );
  }
};
