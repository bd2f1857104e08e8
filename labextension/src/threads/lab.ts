import type { CommandRegistry } from '@lumino/commands';

import type { IAssistance } from '../tokens';
import type { Library } from './library';

/** What the panel's head and notices ask of Lab. The plug-in fills it in before the panel can be shown. */
export const lab: {
  commands: CommandRegistry | null;
  assistance: IAssistance | null;
  /** The panel's conversations, once there is a panel. */
  library: Library | null;
} = {
  commands: null,
  assistance: null,
  library: null
};

/** Open a notebook in front, where this Lab can. */
export async function openNotebook(path: string): Promise<void> {
  await lab.commands?.execute('docmanager:open', { path });
}
