import { ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStateDB } from '@jupyterlab/statedb';

import { tetherIcon } from '../icons';
import { openMenu } from '../sidebar/menu';
import { TetherPanel } from '../sidebar/panel';
import { PanelWidth } from '../sidebar/width';
import { IAssistance, ITether } from '../tokens';
import { CommandIDs as ModelCommands } from './models';

namespace CommandIDs {
  export const open = 'tether:open';
  export const newChat = 'tether:new-chat';
  export const stop = 'tether:stop';
}

/** After the property inspector and the debugger. */
const RANK = 900;

/** The panel in the right sidebar, and its commands. */
export const sidebar: JupyterFrontEndPlugin<ITether> = {
  id: '@tether/jupyterlab:sidebar',
  description: 'The Tether sidebar.',
  autoStart: true,
  provides: ITether,
  requires: [IRenderMimeRegistry],
  optional: [
    INotebookTracker,
    ISettingRegistry,
    ILayoutRestorer,
    ICommandPalette,
    IStateDB,
    IAssistance
  ],
  activate: (
    app: JupyterFrontEnd,
    rendermime: IRenderMimeRegistry,
    notebooks: INotebookTracker | null,
    settings: ISettingRegistry | null,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    state: IStateDB | null,
    assistance: IAssistance | null
  ): ITether => {
    const panel = new TetherPanel(async () => {
      const { makeChat } = await import('../chat');
      const room = makeChat({
        settings: app.serviceManager.serverSettings,
        notebooks,
        rendermime,
        openMenu: button => openMenu(app.commands, [ModelCommands.freeGpu], button)
      });
      void followSettings(settings, value => {
        room.rooms.sendWithShiftEnter = value;
      });
      return room;
    });
    panel.width = new PanelWidth(panel, state);
    app.shell.add(panel, 'right', { rank: RANK });
    restorer?.add(panel, panel.id);

    const tether: ITether = {
      open: async () => {
        app.shell.activateById(panel.id);
        const room = await panel.load();
        await room.renderPromise;
        room.focusInput();
      },
      ask: async (words, context = [], options = {}) => {
        app.shell.activateById(panel.id);
        const [room, { ask }] = await Promise.all([panel.load(), import('../chat')]);
        // Switched off, the panel says so, and how to turn it on.
        if (assistance?.on !== false) {
          await room.ask(ask(words, context, options));
        }
      },
      compose: async (words, context = []) => {
        app.shell.activateById(panel.id);
        const [room, { ask }] = await Promise.all([panel.load(), import('../chat')]);
        await room.renderPromise;
        await room.compose(ask(words, context));
      }
    };

    app.commands.addCommand(CommandIDs.open, {
      label: 'Tether: Open',
      caption: 'Show the Tether sidebar and put the cursor into it',
      icon: tetherIcon,
      execute: () => tether.open()
    });
    app.commands.addCommand(CommandIDs.newChat, {
      label: 'Tether: New chat',
      caption: 'Begin a new conversation for this notebook',
      execute: async () => {
        await tether.open();
        await panel.room?.newChat();
      }
    });
    app.commands.addCommand(CommandIDs.stop, {
      label: 'Tether: Stop',
      caption: 'Stop the answer in progress',
      execute: () => panel.room?.stop()
    });
    for (const command of Object.values(CommandIDs)) {
      palette?.addItem({ command, category: 'Tether' });
    }
    return tether;
  }
};

async function followSettings(
  registry: ISettingRegistry | null,
  apply: (sendWithShiftEnter: boolean) => void
): Promise<void> {
  const settings = await registry?.load(sidebar.id);
  const read = () => apply(settings?.get('sendWithShiftEnter').composite === true);
  settings?.changed.connect(read);
  read();
}
