import { Token } from '@lumino/coreutils';

import type { IContext } from './server/request';

/** The sidebar, for other plug-ins. */
export interface ITether {
  /** Show the panel with the cursor in its input. */
  open(): Promise<void>;
  /** Show the panel and ask; `context` goes along and is shown by its name. */
  ask(words: string, context?: IContext[]): Promise<void>;
}

export const ITether = new Token<ITether>(
  '@tether/jupyterlab:ITether',
  'The Tether sidebar: open it, or ask something in it.'
);
