import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';

import { lab } from '../threads/lab';
import type { Library } from '../threads/library';
import { IAssistance, ITether } from '../tokens';

namespace CommandIDs {
  export const list = 'tether:show-threads';
  export const search = 'tether:search-threads';
  export const rename = 'tether:rename-thread';
  export const pin = 'tether:pin-thread';
  export const remove = 'tether:delete-thread';
  export const save = 'tether:export-thread';
  export const bring = 'tether:import-thread';
}

const FORMATS = { md: 'Markdown', ipynb: 'Notebook', json: 'JSON' } as const;

/** What can be done with conversations, as commands. */
export const threads: JupyterFrontEndPlugin<void> = {
  id: '@tether/jupyterlab:threads',
  description: 'Commands for the conversations of the Tether sidebar.',
  autoStart: true,
  requires: [ITether],
  optional: [IAssistance, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    tether: ITether,
    assistance: IAssistance | null,
    palette: ICommandPalette | null
  ) => {
    lab.commands = app.commands;
    lab.assistance = assistance;
    const { commands } = app;
    // Of what is in front something is known only once the chat is there.
    const library = () => lab.library;
    const front = () => lab.library?.stage.current ?? null;
    const opened = async (): Promise<Library | null> => {
      await tether.open();
      return library();
    };
    const hasFront = () => Boolean(front()?.id && front()?.said.length);
    const label = (words: string) => (args: { isMenu?: unknown }) =>
      args.isMenu ? words : `Tether: ${words}`;

    commands.addCommand(CommandIDs.list, {
      label: 'Tether: Conversations',
      caption: 'Show the list of conversations',
      execute: async () => (await opened())?.open('list')
    });
    commands.addCommand(CommandIDs.search, {
      label: 'Tether: Search conversations',
      caption: 'Search all that was said',
      execute: async () => (await opened())?.open('search')
    });
    commands.addCommand(CommandIDs.rename, {
      label: label('Rename this conversation'),
      isEnabled: hasFront,
      execute: () => {
        const id = front()?.id;
        return id && library()?.rename({ in: 'head', id });
      }
    });
    commands.addCommand(CommandIDs.pin, {
      label: args =>
        label(library()?.front?.pinned ? 'Unpin this conversation' : 'Pin this conversation')(args),
      isEnabled: hasFront,
      execute: () => {
        const id = front()?.id;
        return id && library()?.pin(id, !library()?.front?.pinned);
      }
    });
    commands.addCommand(CommandIDs.save, {
      label: args => {
        const name = FORMATS[args.format as keyof typeof FORMATS] ?? FORMATS.md;
        return args.isMenu ? name : `Tether: Export this conversation as ${name}`;
      },
      isEnabled: hasFront,
      execute: args => {
        const id = front()?.id;
        const format = args.format as keyof typeof FORMATS;
        return id && library()?.save(id, format in FORMATS ? format : 'md');
      }
    });
    commands.addCommand(CommandIDs.bring, {
      label: label('Import a conversation'),
      caption: 'Bring in a conversation that was exported as JSON',
      execute: async () => (library() ?? (await opened()))?.chooseImport()
    });
    commands.addCommand(CommandIDs.remove, {
      label: label('Delete this conversation'),
      isEnabled: hasFront,
      execute: () => {
        const id = front()?.id;
        return id && library()?.remove(id);
      }
    });
    const { save, ...others } = CommandIDs;
    for (const command of Object.values(others)) {
      palette?.addItem({ command, category: 'Tether' });
    }
    for (const format of Object.keys(FORMATS)) {
      palette?.addItem({ command: save, category: 'Tether', args: { format } });
    }
  }
};
