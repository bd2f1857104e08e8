import type { IAskOptions, IContext } from '../server/request';

/** An upload, kept by the server. */
export interface IAttachment {
  id: string;
  name: string;
  /** Bytes. */
  size: number;
  mime: string;
}

/** What somebody wants to know: the words and all that goes with them. */
export interface IAsk {
  words: string;
  context: IContext[];
  attachments: IAttachment[];
  options: IAskOptions;
}

/** What a piece is known by: of those that share it, one goes along. */
export function keyOf({ kind, name }: Pick<IContext, 'kind' | 'name'>): string {
  return `${kind} ${name}`;
}

export function isFirst(piece: IContext, at: number, all: IContext[]): boolean {
  return all.findIndex(each => keyOf(each) === keyOf(piece)) === at;
}

/** Words with nothing but this beside them. */
export function ask(words: string, context: IContext[] = [], options: IAskOptions = {}): IAsk {
  return { words, context, attachments: [], options };
}
