import { URLExt } from '@jupyterlab/coreutils';

import type { TetherServer } from './request';

/** Bare text, and whether it is what was searched for. */
export interface IPiece {
  text: string;
  hit: boolean;
}

/** A message, or a conversation by its title, that has the words. */
export interface IFound {
  conversation: {
    id: string;
    title: string;
    project_id: string | null;
    notebook: string | null;
    last_message_at: string;
  };
  /** Null where the title has the words. */
  message: { id: string; role: string; model: string | null; created_at: string } | null;
  snippet: IPiece[];
}

export interface IFindings {
  results: IFound[];
  /** The offset of the next page; null at the end. */
  next: number | null;
}

/** What narrows a search. */
export interface IFilters {
  notebook?: string;
  project?: string;
  /** A date or a moment, from which on. */
  after?: string;
}

/** Search all that was said. */
export async function search(
  server: TetherServer,
  words: string,
  filters: IFilters,
  place: { offset: number; limit: number },
  signal: AbortSignal
): Promise<IFindings> {
  const query = URLExt.objectToQueryString({ q: words, ...filters, ...place });
  // Asked not to keep it at all, Jupyter's client adds the time as a parameter, which this door refuses.
  return server.json(`conversations/search${query}`, { signal, cache: 'no-cache' });
}
