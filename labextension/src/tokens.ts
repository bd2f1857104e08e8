import { Token } from '@lumino/coreutils';
import type { ISignal } from '@lumino/signaling';

import type { IAskOptions, IContext } from './server/request';

/** The sidebar, for other plug-ins. */
export interface ITether {
  /** Show the panel with the cursor in its input. */
  open(): Promise<void>;
  /** Show the panel and ask; `context` goes along and is shown by its name. */
  ask(words: string, context?: IContext[], options?: IAskOptions): Promise<void>;
  /** Show the panel and put words and context into its input, to be sent by the user. */
  compose(words: string, context?: IContext[]): Promise<void>;
}

export const ITether = new Token<ITether>(
  '@tether/jupyterlab:ITether',
  'The Tether sidebar: open it, or ask something in it.'
);

/** The one switch over all assistance: off, nothing of Tether shows in a notebook, completes or asks. */
export interface IAssistance {
  readonly on: boolean;
  readonly changed: ISignal<IAssistance, boolean>;
  set(on: boolean): Promise<void>;
}

export const IAssistance = new Token<IAssistance>(
  '@tether/jupyterlab:IAssistance',
  'Whether the user wants any assistance: off, all of it is.'
);
