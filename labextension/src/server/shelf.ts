import { EventDecoder } from './events';
import type { IProblem } from './events';
import { TurnError } from './problems';
import type { TetherServer } from './request';
import { sent } from './sent';

/** How far a pull has come. `rate` is in bytes a second, `eta` in seconds; null while nobody can tell. */
export interface IPullProgress {
  name: string;
  file: string;
  bytes: number;
  total: number;
  rate: number | null;
  eta: number | null;
}

/** What a pull ends with; `already` where the model was here before. */
export interface IPulled {
  done: true;
  name: string;
  size: number;
  already: boolean;
}

export type PullEvent = { pull: IPullProgress } | IPulled | { error: IProblem };

/** The bytes that came are on the server's disk, whatever became of the connection. */
const CUT: IProblem = {
  type: 'connection_lost',
  message: 'Lost the connection before all of the model was here.',
  retryable: true,
  hint: 'What came is kept on the server. Go on when Jupyter is back.'
};

/** Get a model ready, in place of the one that is; null for the usual one. */
export async function load(server: TetherServer, name: string | null): Promise<void> {
  await server.json('models/load', sent('POST', name ? { name } : {}));
}

/** Delete a model's files, or what a broken-off pull has left. */
export async function remove(server: TetherServer, name: string): Promise<void> {
  await server.json(`models/${encodeURIComponent(name)}`, { method: 'DELETE' });
}

/** Fetch a model, and yield how far it has come. Whoever closes the connection stops it on the server. */
export async function* pull(
  server: TetherServer,
  name: string,
  signal: AbortSignal
): AsyncGenerator<IPullProgress, IPulled> {
  const { body } = await server.request('models/pull', {
    ...sent('POST', { name }, 'application/x-ndjson'),
    signal
  });
  const reader = body?.getReader();
  const text = new TextDecoder();
  const lines = new EventDecoder();
  while (reader) {
    const { value, done } = await reader.read().catch(reason => {
      throw signal.aborted ? reason : new TurnError(CUT);
    });
    const read = done
      ? [...lines.push(text.decode()), ...lines.end()]
      : lines.push(text.decode(value, { stream: true }));
    for (const event of read as unknown as PullEvent[]) {
      if ('error' in event) {
        throw new TurnError(event.error);
      }
      if ('done' in event) {
        return event;
      }
      yield event.pull;
    }
    if (done) {
      break;
    }
  }
  throw new TurnError(CUT);
}
