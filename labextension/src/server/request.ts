import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import { EventDecoder, IProblem, isTerminal, IUsage, TurnEvent } from './events';
import type { IEngine, IModelState } from './models';

/** What the server says of itself. */
export interface IHealth {
  status: 'healthy' | 'degraded' | 'unhealthy';
  model: string;
  backend: string;
  demo: boolean;
  /** `this machine`, or the host that answers. */
  place: string;
  /** Why it cannot answer, in words. */
  problem: string | null;
  /** The backend in use; only one with an engine of its own tells of it. */
  llm_service?: { type: string; ready: boolean; engine?: IEngine };
  gpu?: { layers?: number | null; layers_on_gpu?: number } | null;
}

export interface IConversation {
  id: string;
  title: string | null;
  notebook: string | null;
  message_count: number;
  last_message_at: string | null;
}

export interface IStoredMessage {
  id: string;
  parent_id: string | null;
  role: 'user' | 'assistant';
  content: string;
  created_at: string;
  model: string | null;
  finish_reason: string | null;
  error: IProblem | null;
  usage: IUsage | null;
}

/** A piece of the notebook that goes with a question. */
export interface IContext {
  kind: 'error' | 'cell';
  name: string;
  text: string;
}

export interface IQuestion {
  message: string;
  notebook?: string;
  conversation_id?: string;
  context?: IContext[];
}

/** A failure in the wire contract's own terms. */
export class TurnError extends Error {
  constructor(readonly problem: IProblem) {
    super(problem.message);
    this.name = 'TurnError';
  }
}

/** The server extension's routes. Token and XSRF header travel with `ServerConnection`. */
export class TetherServer {
  constructor(private _settings: ServerConnection.ISettings) {}

  /** Yield the events of one turn, the terminal one last. */
  async *stream(
    question: IQuestion,
    signal: AbortSignal
  ): AsyncGenerator<TurnEvent, void, undefined> {
    const response = await this._request('chat/stream', {
      method: 'POST',
      body: JSON.stringify({ client_id: 'lab', ...question }),
      headers: { Accept: 'application/x-ndjson', ...JSON_BODY },
      signal
    });
    if (!response.body) {
      throw new TurnError(CUT_OFF);
    }
    const reader = response.body.getReader();
    const text = new TextDecoder();
    const lines = new EventDecoder();
    let ended = false;
    while (!ended) {
      const { value, done } = await reader.read().catch(reason => {
        throw signal.aborted ? reason : new TurnError(CUT_OFF);
      });
      const events = done
        ? [...lines.push(text.decode()), ...lines.end()]
        : lines.push(text.decode(value, { stream: true }));
      for (const event of events) {
        ended = ended || isTerminal(event);
        yield event;
      }
      if (done && !ended) {
        throw new TurnError(CUT_OFF);
      }
    }
  }

  /** An unhealthy server answers 503 with the same body, so the status is not looked at. */
  async health(): Promise<IHealth> {
    const response = await this._send('health', {});
    const body = (await response.json().catch(() => null)) as IHealth | null;
    if (!body || typeof body.status !== 'string') {
      throw await refusal(response, body);
    }
    return body;
  }

  /** The conversations of one notebook, newest first. */
  async conversations(notebook: string): Promise<IConversation[]> {
    const query = URLExt.objectToQueryString({ notebook });
    const reply = await this._json<{ conversations: IConversation[] }>(`conversations${query}`);
    return reply.conversations;
  }

  async messages(conversation: string): Promise<IStoredMessage[]> {
    const id = encodeURIComponent(conversation);
    const reply = await this._json<{ messages: IStoredMessage[] }>(`conversations/${id}/messages`);
    return reply.messages;
  }

  /** Begin a fresh conversation for a notebook; the old one stays in the history. */
  async begin(notebook: string): Promise<string> {
    const reply = await this._json<{ id: string }>('conversations', {
      method: 'POST',
      headers: JSON_BODY,
      body: JSON.stringify({ notebook })
    });
    return reply.id;
  }

  /** End the turn that is running in a conversation. */
  async stop(conversation: string): Promise<void> {
    await this._json(`stop/${encodeURIComponent(conversation)}`, {
      method: 'POST',
      headers: JSON_BODY,
      body: '{}'
    });
  }

  /** What can answer or be fetched, and why a backend does not tell its models. */
  async models(): Promise<{ models: IModelState[]; problem: string | null }> {
    return this._json('models');
  }

  /** Give back the memory of a backend's model. Answers that it is writing end. */
  async unload(backend: string): Promise<void> {
    await this._json('models/unload', {
      method: 'POST',
      headers: JSON_BODY,
      body: JSON.stringify({ name: backend })
    });
  }

  private async _json<T>(path: string, init: RequestInit = {}): Promise<T> {
    const response = await this._request(path, init);
    return (await response.json()) as T;
  }

  private async _request(path: string, init: RequestInit): Promise<Response> {
    const response = await this._send(path, init);
    if (!response.ok) {
      throw await refusal(response, await response.json().catch(() => null));
    }
    return response;
  }

  private async _send(path: string, init: RequestInit): Promise<Response> {
    const url = URLExt.join(this._settings.baseUrl, 'tether', path);
    try {
      return await ServerConnection.makeRequest(url, init, this._settings);
    } catch (reason) {
      if (init.signal?.aborted) {
        throw reason;
      }
      throw new TurnError(UNREACHED);
    }
  }
}

const JSON_BODY = { 'Content-Type': 'application/json' };

const UNREACHED: IProblem = {
  type: 'connection_lost',
  message: 'Jupyter does not answer.',
  retryable: true,
  hint: 'What you wrote is kept. See that the Jupyter server is still running, then try again.'
};

const CUT_OFF: IProblem = {
  type: 'connection_lost',
  message: 'Lost the connection before the answer was complete.',
  retryable: true,
  hint: 'What arrived is kept. Try again when Jupyter is back.'
};

const NOT_THERE: IProblem = {
  type: 'not_found',
  message: 'Tether is not running in this Jupyter server.',
  retryable: true,
  hint: 'In a terminal: jupyter server extension enable tether_jupyter — then restart Jupyter.'
};

/** From a proxy before Jupyter: Tether gives its own reasons. */
const TOO_MANY: IProblem = {
  type: 'rate_limited',
  message: 'Too many requests at once. Wait a moment and try again.',
  retryable: true,
  hint: null
};

async function refusal(response: Response, body: unknown): Promise<TurnError> {
  const problem = (body as { error?: IProblem } | null)?.error;
  if (problem && typeof problem.message === 'string') {
    return new TurnError({ ...problem, hint: problem.hint ?? null });
  }
  if (response.status === 429) {
    const wait = Number(response.headers.get('Retry-After') ?? NaN);
    return new TurnError({ ...TOO_MANY, ...(Number.isFinite(wait) && { retry_after: wait }) });
  }
  if (response.status === 404) {
    return new TurnError(NOT_THERE);
  }
  if (response.status === 401 || response.status === 403) {
    return new TurnError({
      type: 'unauthorized',
      message: 'Jupyter no longer knows this browser.',
      retryable: true,
      hint: 'Reload the page and sign in again.'
    });
  }
  return new TurnError({
    type: 'internal',
    message: `The server answered with status ${response.status} and no reason.`,
    retryable: true,
    hint: 'The Jupyter log says more.'
  });
}
