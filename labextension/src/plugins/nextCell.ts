import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import type { Cell } from '@jupyterlab/cells';
import { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import { INotebookTracker, Notebook, NotebookActions } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { CommandRegistry } from '@lumino/commands';

import type { NextCell } from '../nextCell';
import { TetherServer } from '../server/request';
import { IAssistance } from '../tokens';

namespace CommandIDs {
  export const accept = 'tether:accept-next-cell';
  export const dismiss = 'tether:dismiss-next-cell';
  export const toggle = 'tether:toggle-next-cell';
}

/** Proposes the next cell when the last one has run, to those who want it. */
export const nextCell: JupyterFrontEndPlugin<void> = {
  id: '@tether/jupyterlab:nextCell',
  description: 'Proposes the next cell when the last one has run.',
  autoStart: true,
  optional: [
    INotebookTracker,
    ISettingRegistry,
    IAssistance,
    IEditorLanguageRegistry,
    ICommandPalette
  ],
  activate: (
    app: JupyterFrontEnd,
    notebooks: INotebookTracker | null,
    registry: ISettingRegistry | null,
    assistance: IAssistance | null,
    languages: IEditorLanguageRegistry | null,
    palette: ICommandPalette | null
  ) => {
    if (!notebooks || !registry) {
      // Nobody could turn it on.
      return;
    }
    const { commands } = app;
    let enabled = false;
    let loaded: NextCell | null = null;
    const on = () => enabled && (assistance?.on ?? true);
    const set = (value: boolean) => registry.set(nextCell.id, 'enabled', value);
    const load = async () => {
      const { NextCell } = await import('../nextCell');
      loaded ??= new NextCell({
        server: new TetherServer(app.serviceManager.serverSettings),
        languages,
        keys: () => ({
          accept: keysOf(commands, CommandIDs.accept),
          dismiss: keysOf(commands, CommandIDs.dismiss)
        }),
        set
      });
      return loaded;
    };
    const ran = async (notebook: Notebook, cell: Cell, success: boolean) => {
      const panel = notebooks.find(each => each.content === notebook);
      if (!on() || !panel) {
        return;
      }
      const next = await load();
      if (on() && success && !cell.isDisposed) {
        await next.ran(panel, cell);
      } else {
        next.leave();
      }
    };
    NotebookActions.executed.connect((_, { notebook, cell, success }) => {
      void ran(notebook, cell, success);
    });

    const changed = () => {
      if (!on()) {
        loaded?.leave();
      }
      commands.notifyCommandChanged(CommandIDs.toggle);
    };
    assistance?.changed.connect(changed);
    void registry.load(nextCell.id).then(settings => {
      const read = () => {
        enabled = settings.get('enabled').composite === true;
        changed();
      };
      settings.changed.connect(read);
      read();
    });

    for (const [id, choice, label] of [
      [CommandIDs.accept, 'accept', 'Accept the proposed cell'],
      [CommandIDs.dismiss, 'dismiss', 'Dismiss the proposed cell']
    ] as const) {
      commands.addCommand(id, {
        label: `Tether: ${label}`,
        isEnabled: () => Boolean(loaded?.shown),
        execute: () => loaded?.choose(choice)
      });
    }
    commands.addCommand(CommandIDs.toggle, {
      label: 'Tether: Propose Next Cells',
      caption: 'Propose a next cell whenever the last one has run',
      isToggled: () => enabled,
      isEnabled: () => assistance?.on ?? true,
      execute: () => set(!enabled)
    });
    palette?.addItem({ command: CommandIDs.toggle, category: 'Tether' });
  }
};

function keysOf(commands: CommandRegistry, command: string): string {
  const bound = commands.keyBindings.find(each => each.command === command);
  return bound ? CommandRegistry.formatKeystroke(bound.keys) : '';
}
