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

const OPEN = 'docmanager:open';

/** Whether this Lab can open a notebook when asked. */
export function canOpen(): boolean {
  return lab.commands?.hasCommand(OPEN) ?? false;
}

/** Open a notebook in front. */
export async function openNotebook(path: string): Promise<void> {
  await lab.commands?.execute(OPEN, { path });
}
