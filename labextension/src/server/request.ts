import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import { activity } from './activity';
import { EventDecoder, isTerminal, TurnEvent } from './events';
import type { IConversation, IStoredMessage, IToldConversation, Reaction } from './history';
import type { IEngine, IModelState } from './models';
import { CUT_OFF, refusal, TurnError, UNREACHED } from './problems';

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
  /** What is said is kept in; `problem` says in words why it is not. */
  database?: { kind: string; ok: boolean; problem: string | null };
}

/** A piece of the notebook that goes with a question; `data` is a variable or an error as a kernel tells it. */
export interface IContext {
  kind: 'error' | 'cell' | 'file' | 'variable' | 'selection';
  name: string;
  text?: string;
  data?: Record<string, unknown>;
  /** The level at which it was looked at, for an earlier question; it is left out where less may be seen. */
  level?: ISee['level'] | null;
  /** 1 to 9 where it may be left out for want of room, the larger number sooner; else it goes along. */
  optional?: number;
}

/** What the server itself may look at for a question. What is left out follows the settings. */
export interface ISee {
  level?: 'off' | 'schema' | 'samples' | 'values';
  names?: string[];
  cells?: 'off' | 'around' | 'all';
  cell_id?: string;
  /** The same cell by its index from 0, for where the file does not know its id. */
  cell_index?: number;
  error?: boolean;
  /** The error that is asked about: the kernel's last one goes along only if it is this one. */
  shown_error?: { ename: string; evalue: string; execution_count: number | null };
  running?: boolean;
}

/** What may go with a question besides its words, whichever door it is asked at. */
export interface IAskOptions {
  /** `backend:model`, or a model of the backend in use. */
  model?: string;
  preset?: string;
  system?: string;
  temperature?: number;
  max_tokens?: number;
  stop?: string[];
  see?: ISee;
}

export interface IQuestion extends IAskOptions {
  /** The new words; left out where `regenerate` says what is answered again. */
  message?: string;
  /** An answer of the conversation: its question is answered again, in a branch. */
  regenerate?: string;
  notebook?: string;
  kernel_id?: string;
  conversation_id?: string;
  /** What it follows: another than the newest makes a branch, `root` a first question anew. */
  parent_id?: string;
  context?: IContext[];
  /** Ids of uploads. */
  attachments?: string[];
  /** Whether it is kept in the history. */
  store?: boolean;
  /** `batch` where people's own questions go first. */
  priority?: 'interactive' | 'batch';
  /** Whether the answer is written to its end when nobody reads it any more. */
  background?: boolean;
}

/** The server extension's routes. Token and XSRF header travel with `ServerConnection`. */
export class TetherServer {
  constructor(private _settings: ServerConnection.ISettings) {}

  /** Ask, and yield the events of the turn, the terminal one last. */
  async *stream(question: IQuestion, signal: AbortSignal): AsyncGenerator<TurnEvent> {
    const response = await this.request('chat/stream', {
      method: 'POST',
      body: JSON.stringify({ client_id: 'lab', ...question }),
      headers: { ...NDJSON, ...JSON_BODY },
      signal
    });
    yield* eventsOf(response, signal);
  }

  /** Yield the events of a turn that is under way, from its first one on, the terminal one last. */
  async *events(turn: string, signal: AbortSignal): AsyncGenerator<TurnEvent> {
    const path = `generations/${encodeURIComponent(turn)}/events?after=0`;
    yield* eventsOf(await this.request(path, { headers: NDJSON, signal }), signal);
  }

  /** An unhealthy server answers 503 with the same body, so the status is not looked at. */
  async health(): Promise<IHealth> {
    const response = await this._send('health', {});
    const body = (await response.json().catch(() => null)) as IHealth | null;
    if (!body || typeof body.status !== 'string') {
      throw refusal(response, body);
    }
    return body;
  }

  /** The conversation that a notebook goes on with, if it has one, with what was said in it. */
  async conversation(notebook: string): Promise<IToldConversation | null> {
    const query = URLExt.objectToQueryString({ notebook, limit: 1, messages: true });
    const { conversations, messages } = await this.json<{
      conversations: IConversation[];
      messages: IStoredMessage[];
    }>(`conversations${query}`);
    return conversations.length ? { ...conversations[0], messages } : null;
  }

  /** A conversation with what was said in it, all branches, the oldest first. */
  async told(conversation: string): Promise<IToldConversation> {
    return this.json(`conversations/${encodeURIComponent(conversation)}?messages=true`);
  }

  /** A conversation's own facts. */
  async facts(conversation: string): Promise<IConversation> {
    return this.json(`conversations/${encodeURIComponent(conversation)}`);
  }

  /** The messages of a conversation, all branches, the oldest first. */
  async messages(conversation: string): Promise<IStoredMessage[]> {
    const id = encodeURIComponent(conversation);
    const reply = await this.json<{ messages: IStoredMessage[] }>(`conversations/${id}/messages`);
    return reply.messages;
  }

  /** What went along with a question, as the model saw it; none where it was too long to keep. */
  async along(conversation: string, question: string): Promise<IContext[]> {
    const [id, message] = [conversation, question].map(encodeURIComponent);
    const told = await this.json<{ context: IContext[] }>(
      `conversations/${id}/messages/${message}`
    );
    return told.context;
  }

  /** Begin a fresh conversation for a notebook; the old one stays in the history. */
  async begin(notebook: string): Promise<string> {
    const reply = await this.json<{ id: string }>('conversations', {
      method: 'POST',
      headers: JSON_BODY,
      body: JSON.stringify({ notebook })
    });
    return reply.id;
  }

  /** End the turn that is running in a conversation. */
  async stop(conversation: string): Promise<void> {
    await this.json(`stop/${encodeURIComponent(conversation)}`, {
      method: 'POST',
      headers: JSON_BODY,
      body: '{}'
    });
  }

  /** End one turn, whatever else runs in its conversation. */
  async cancel(turn: string): Promise<void> {
    await this.json(`generations/${encodeURIComponent(turn)}`, { method: 'DELETE' });
  }

  /** Keep what its reader thinks of an answer; null takes it back. */
  async react(message: string, reaction: Reaction | null): Promise<void> {
    await this.json(`messages/${encodeURIComponent(message)}`, {
      method: 'PATCH',
      headers: JSON_BODY,
      body: JSON.stringify({ reaction })
    });
  }

  /** Take a message away with all that follows it, or have it back. */
  async remove(message: string, deleted = true): Promise<void> {
    await this.json(`messages/${encodeURIComponent(message)}`, {
      method: 'PATCH',
      headers: JSON_BODY,
      body: JSON.stringify({ deleted })
    });
  }

  /** What can answer or be fetched, and why a backend does not tell its models. */
  async models(): Promise<{ models: IModelState[]; problem: string | null }> {
    return this.json('models');
  }

  /** Give back the memory of a backend's model. Answers that it is writing end. */
  async unload(backend: string): Promise<void> {
    await this.json('models/unload', {
      method: 'POST',
      headers: JSON_BODY,
      body: JSON.stringify({ name: backend })
    });
  }

  /** Fetch JSON below `tether/`. Raises TurnError, in words for people. */
  async json<T>(path: string, init: RequestInit = {}): Promise<T> {
    const response = await this.request(path, init);
    return (await response.json()) as T;
  }

  /** Fetch below `tether/`; an answer that is no success is raised as TurnError. */
  async request(path: string, init: RequestInit = {}): Promise<Response> {
    const response = await this._send(path, init);
    if (!response.ok) {
      throw refusal(response, await response.json().catch(() => null));
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

export const JSON_BODY = { 'Content-Type': 'application/json' };
export const NDJSON = { Accept: 'application/x-ndjson' };

/** Yield the events in a response while they come; a body that ends before its turn has raises `CUT_OFF`. */
async function* eventsOf(response: Response, signal: AbortSignal): AsyncGenerator<TurnEvent> {
  const end = activity.begin();
  try {
    yield* decoded(response, signal);
  } finally {
    end();
  }
}

async function* decoded(response: Response, signal: AbortSignal): AsyncGenerator<TurnEvent> {
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
