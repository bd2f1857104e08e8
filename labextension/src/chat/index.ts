import { INotebookTracker } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ServerConnection } from '@jupyterlab/services';

import { OpenNotebook } from '../notebook/open';
import { TetherServer } from '../server/request';
import { ChatRoom } from './room';
import { Rooms } from './rooms';

export interface IChatOptions {
  settings: ServerConnection.ISettings;
  notebooks: INotebookTracker | null;
  rendermime: IRenderMimeRegistry;
  /** Open the menu of the head's last button, at that button. */
  openMenu: (button: HTMLElement) => void;
}

/** Build the chat. This module is loaded when the panel is first shown, not before. */
export function makeChat(options: IChatOptions): ChatRoom {
  const rooms = new Rooms(new TetherServer(options.settings), new OpenNotebook(options.notebooks));
  return new ChatRoom(rooms, options.rendermime, options.openMenu);
}

export { ask } from './ask';
export type { ChatRoom } from './room';
