import { URLExt } from '@jupyterlab/coreutils';

import { JSON_BODY, type TetherServer } from './request';
import type { IThread } from './threads';

export type Format = 'md' | 'json' | 'ipynb';

/** A conversation as a file, by the name that the server gives it. */
export async function exportThread(
  server: TetherServer,
  id: string,
  format: Format,
  message: string | null = null
): Promise<{ name: string; content: Blob }> {
  const query = URLExt.objectToQueryString({ format, ...(message !== null && { message }) });
  const path = `conversations/${encodeURIComponent(id)}/export${query}`;
  const response = await server.request(path);
  const name = nameOf(response.headers.get('Content-Disposition'));
  return { name: name ?? `conversation.${format}`, content: await response.blob() };
}

/** Keep the conversation that an exported file holds, under an id of its own. */
export async function importThread(
  server: TetherServer,
  file: string
): Promise<{ conversation: IThread; missing_attachments: number }> {
  return server.json('conversations/import', { method: 'POST', headers: JSON_BODY, body: file });
}

/** The file name in a `Content-Disposition`; null where there is none that can be used. */
export function nameOf(disposition: string | null): string | null {
  const encoded = /filename\*=UTF-8''([^;]+)/i.exec(disposition ?? '')?.[1];
  const plain = /filename="([^"]+)"/i.exec(disposition ?? '')?.[1];
  let name = plain ?? null;
  try {
    name = encoded ? decodeURIComponent(encoded) : name;
  } catch {
    // The plain name says the same in fewer letters.
  }
  return name?.replace(/[/\\]/g, '_') || null;
}
