import { URLExt } from '@jupyterlab/coreutils';

import type { IConversation } from './history';
import { JSON_BODY, type TetherServer } from './request';

/** A conversation as the list shows it. */
export interface IThread extends IConversation {
  project_id: string | null;
  pinned: boolean;
  created_at: string;
  deleted_at: string | null;
}

/** What can be changed of a conversation; an empty title is made from its first question again. */
export interface IThreadChange {
  title?: string;
  pinned?: boolean;
  project_id?: string | null;
  deleted?: boolean;
}

/** A page of the list. */
export interface IThreadPage {
  conversations: IThread[];
  /** The offset of the next page; null at the end. */
  next: number | null;
  /** Ids of those in which an answer is being written. */
  writing: string[];
}

interface IPlace {
  offset: number;
  limit: number;
  deleted?: boolean;
  signal?: AbortSignal;
}

/** Conversations, the newest first. */
export async function listThreads(server: TetherServer, place: IPlace): Promise<IThreadPage> {
  const { signal, ...query } = place;
  const reply = await server.json<Partial<IThreadPage>>(
    `conversations${URLExt.objectToQueryString({ deleted: false, ...query })}`,
    { signal }
  );
  return {
    conversations: reply.conversations ?? [],
    next: reply.next ?? null,
    writing: reply.writing ?? []
  };
}

export async function getThread(server: TetherServer, id: string): Promise<IThread> {
  return server.json(at(id));
}

export async function changeThread(
  server: TetherServer,
  id: string,
  change: IThreadChange
): Promise<IThread> {
  return server.json(at(id), {
    method: 'PATCH',
    headers: JSON_BODY,
    body: JSON.stringify(change)
  });
}

/** Delete a conversation, which ends what is being written in it; it can be restored. */
export async function removeThread(server: TetherServer, id: string): Promise<IThread> {
  return server.json(at(id), { method: 'DELETE' });
}

function at(id: string): string {
  return `conversations/${encodeURIComponent(id)}`;
}
