import type { Preview } from './along';
import type { IKept } from './kept';
import type { IAsked } from './proposal';
import type { IKeys } from './words';

/** What a change of a cell needs of what is around it. */
export interface IEditHost {
  server: IAsked;
  preview: Preview;
  keys(): IKeys;
  /** Tell people who do not see the screen. */
  say(words: string): void;
  /** Run the commands that a key in the field is bound to. */
  keydown(event: KeyboardEvent): void;
}

/** How a change of a cell has ended. */
export interface IClosed {
  /** A proposal whose cell has been deleted, or is another one. */
  kept: IKept | null;
  /** What was typed last. */
  words: string;
}
