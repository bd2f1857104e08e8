import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';

import { tetherIcon } from '../icons';
import type { InlineEdits } from '../inline';
import { isWritable } from '../notebook/writable';
import { TetherServer } from '../server/request';
import { IAssistance } from '../tokens';

namespace CommandIDs {
  export const open = 'tether:change-cell';
  export const take = 'tether:take-change';
  export const giveBack = 'tether:give-back';
}

/** A field under the cursor's line that changes a cell as it is told. */
export const inlineEdit: JupyterFrontEndPlugin<void> = {
  id: '@tether/jupyterlab:inline-edit',
  description: 'Change a cell by saying what should change: the proposal is shown in the cell.',
  autoStart: true,
  requires: [INotebookTracker],
  optional: [IAssistance, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    notebooks: INotebookTracker,
    assistance: IAssistance | null,
    palette: ICommandPalette | null
  ) => {
    const { commands } = app;
    const on = () => assistance?.on ?? true;
    let edits: InlineEdits | null = null;
    const load = async () => {
      const { InlineEdits } = await import('../inline');
      return (edits ??= new InlineEdits(
        new TetherServer(app.serviceManager.serverSettings),
        commands,
        { accept: CommandIDs.take, cancel: CommandIDs.giveBack }
      ));
    };
    const current = () => edits?.find(notebooks.currentWidget) ?? null;

    commands.addCommand(CommandIDs.open, {
      label: 'Tether: Change this cell',
      caption: 'Say what should change in the active cell, or in what is selected in it',
      icon: tetherIcon,
      isVisible: on,
      isEnabled: () => {
        const panel = notebooks.currentWidget;
        const cell = panel?.content.activeCell;
        return on() && Boolean(cell && !cell.readOnly && isWritable(panel));
      },
      execute: async () => {
        const panel = notebooks.currentWidget;
        const loaded = await load();
        if (panel && !panel.isDisposed && on()) {
          loaded.open(panel);
        }
      }
    });
    commands.addCommand(CommandIDs.take, {
      label: 'Tether: Take the proposed change',
      isVisible: on,
      isEnabled: () => current() !== null,
      execute: () => current()?.take()
    });
    commands.addCommand(CommandIDs.giveBack, {
      label: 'Tether: Give the cell back as it was',
      isVisible: on,
      isEnabled: () => current() !== null,
      execute: () => current()?.close()
    });
    for (const command of Object.values(CommandIDs)) {
      palette?.addItem({ command, category: 'Tether' });
    }
    assistance?.changed.connect((_, value) => {
      if (!value) {
        edits?.closeAll();
      }
      commands.notifyCommandChanged(CommandIDs.open);
    });
  }
};
