import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import type { IAttachment } from '../chat/ask';
import { refusal, TurnError, UNREACHED } from './problems';
import { JSON_BODY, TetherServer } from './request';

/** What the server tells of a file that it keeps. */
export interface IUpload {
  id: string;
  name: string;
  kind: 'image' | 'text';
  media_type: string;
  size: number;
  characters: number | null;
  /** Why nothing can be read of it, or what is missing, in words. */
  problem: string | null;
}

const TOO_LARGE = {
  type: 'too_large',
  message: 'This file is larger than the server takes.',
  retryable: false,
  hint: 'Attach a part of it.'
};

/** Send a file, telling how much of it has gone, from 0 to 1. Raises TurnError, in words for people. */
export async function upload(
  file: File,
  onProgress: (share: number) => void,
  signal: AbortSignal
): Promise<IUpload> {
  const form = new FormData();
  form.append('file', file, file.name);
  const base = ServerConnection.makeSettings();
  const settings = { ...base, fetch: sender(onProgress, signal) as typeof base.fetch };
  const url = URLExt.join(settings.baseUrl, 'tether', 'uploads');
  let response: Response;
  try {
    response = await ServerConnection.makeRequest(url, { method: 'POST', body: form }, settings);
  } catch (reason) {
    if (signal.aborted) {
      throw reason;
    }
    throw new TurnError(UNREACHED);
  }
  const body = await response.json().catch(() => null);
  if (response.status === 413 && !body) {
    throw new TurnError(TOO_LARGE);
  }
  if (!response.ok) {
    throw refusal(response, body);
  }
  return (body as { uploads: IUpload[] }).uploads[0];
}

/** Attach a file of the workspace by its path. */
export async function attachPath(server: TetherServer, path: string): Promise<IUpload> {
  const reply = await server.json<{ uploads: IUpload[] }>('uploads', {
    method: 'POST',
    headers: JSON_BODY,
    body: JSON.stringify({ path })
  });
  return reply.uploads[0];
}

/** Let a file go that no question used; the server removes it by itself after a day otherwise. */
export async function discard(server: TetherServer, id: string): Promise<void> {
  await server.request(`uploads/${encodeURIComponent(id)}`, { method: 'DELETE' });
}

export function attachmentOf(found: IUpload): IAttachment {
  return { id: found.id, name: found.name, size: found.size, mime: found.media_type };
}

/** Like `fetch`, which cannot tell how much of a request has gone. */
function sender(onProgress: (share: number) => void, signal: AbortSignal) {
  return async (request: Request): Promise<Response> => {
    const body = await request.blob();
    return new Promise((resolve, reject) => {
      const sent = new XMLHttpRequest();
      sent.open(request.method, request.url);
      sent.responseType = 'blob';
      request.headers.forEach((value, name) => sent.setRequestHeader(name, value));
      sent.upload.onprogress = event =>
        event.lengthComputable && onProgress(event.loaded / event.total);
      sent.onload = () =>
        resolve(
          new Response(sent.response as Blob, {
            status: sent.status,
            headers: { 'Content-Type': sent.getResponseHeader('Content-Type') ?? '' }
          })
        );
      sent.onerror = () => reject(new TypeError('The request was not answered.'));
      sent.onabort = () => reject(new DOMException('Given up.', 'AbortError'));
      signal.addEventListener('abort', () => sent.abort());
      sent.send(body);
    });
  };
}
