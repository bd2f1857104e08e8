import { inLanguage } from '../notebook/language';
import { TurnError } from './problems';
import { IContext, JSON_BODY, TetherServer } from './request';

/** What stands around the cursor. */
export interface IGap {
  prefix: string;
  suffix: string;
}

export interface IFillOptions {
  maxTokens: number;
  /** Texts at which the model stops. */
  stop: string[];
  /** Whether a model that is not loaded may be. */
  wake: boolean;
  /** Whether somebody asked for it: otherwise the answers that somebody did ask for go first. */
  asked: boolean;
  /** Which model is meant, as a request names it; the server's own choice where it is left out. */
  model?: string;
  /** What the code is written in; empty where nobody knows. */
  language?: string;
}

/** Where completions keep their place in the model's memory, so that they push no conversation out of it. */
const KEY = 'lab-ghost';

const chatSystem = (language: string) =>
  `You complete code${inLanguage(language)} at a cursor. ` +
  'Reply with the text to insert at <cursor/> and nothing else: no explanation, ' +
  'no code fence, nothing of what stands before or after it. Reply with nothing if nothing is missing.';

/** Yield the pieces of a text that goes between two others. */
export async function* fill(
  server: TetherServer,
  gap: IGap,
  options: IFillOptions,
  signal: AbortSignal
): AsyncGenerator<string> {
  const response = await server.request('v1/completions', {
    method: 'POST',
    headers: { ...JSON_BODY, Accept: 'text/event-stream' },
    body: JSON.stringify({
      model: options.model,
      prompt: gap.prefix,
      suffix: gap.suffix,
      max_tokens: options.maxTokens,
      temperature: 0,
      stop: options.stop,
      stream: true,
      prompt_cache_key: KEY,
      wake: options.wake,
      priority: options.asked ? 'interactive' : 'low'
    }),
    signal
  });
  const reader = response.body!.getReader();
  const text = new TextDecoder();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    const lines = (rest + text.decode(value, { stream: !done })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const piece = pieceOf(line);
      if (piece) {
        yield piece;
      }
    }
    if (done) {
      return;
    }
  }
}

/** Ask a model that only chats for the text of a gap. What else is in the notebook goes as context, and masked. */
export async function* fillByChat(
  server: TetherServer,
  gap: IGap,
  cells: IContext[],
  options: IFillOptions,
  signal: AbortSignal
): AsyncGenerator<string> {
  const question = {
    message: `${gap.prefix}<cursor/>${gap.suffix}`,
    system: chatSystem(options.language ?? ''),
    model: options.model,
    // Of no conversation's past: a fresh id has none.
    conversation_id: `ghost-${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`,
    context: cells,
    see: { level: 'off', cells: 'off', error: false, running: false } as const,
    max_tokens: options.maxTokens,
    temperature: 0,
    stop: options.stop,
    store: false
  };
  for await (const event of server.stream(question, signal)) {
    if ('delta' in event) {
      yield event.delta;
    } else if ('error' in event) {
      throw new TurnError(event.error);
    }
  }
}

/** Return the text on a line of an event stream. */
function pieceOf(line: string): string {
  if (!line.startsWith('data: ') || line === 'data: [DONE]') {
    return '';
  }
  const data = JSON.parse(line.slice(6));
  if (data.error) {
    throw new TurnError({ ...data.error, type: data.error.code, retryable: true, hint: null });
  }
  return data.choices?.[0]?.text ?? '';
}
