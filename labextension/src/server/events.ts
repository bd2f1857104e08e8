/** The events of a turn, as the server's core/events.py makes them: the first key names the kind. */

export interface IMeta {
  id: string;
  conversation_id: string;
  parent_id: string | null;
  model: string;
  role: 'assistant';
  correlation_id: string;
}

/** Unknown figures are null. */
export interface IUsage {
  prompt_tokens: number | null;
  cached_tokens: number | null;
  completion_tokens: number | null;
  cost_usd: number | null;
  ttft_ms: number | null;
  tokens_per_s: number | null;
}

export interface IProblem {
  type: string;
  message: string;
  retryable: boolean;
  hint: string | null;
  /** Seconds after which another try is worth while, where that is known. */
  retry_after?: number;
}

export type FinishReason = 'stop' | 'length' | 'tool' | 'cancelled';

export type TurnEvent =
  | { meta: IMeta }
  | { queued: { position: number } }
  | { thinking: string }
  | { delta: string }
  | { tool: Record<string, unknown> }
  | { usage: IUsage }
  | { error: IProblem }
  | { done: true; finish_reason: FinishReason };

/** Whether this event is the last of its stream. */
export function isTerminal(event: TurnEvent): boolean {
  return 'done' in event || 'error' in event;
}

/** Turns pieces of an NDJSON body, cut anywhere, into events. */
export class EventDecoder {
  /** Return the events that `piece` completes. A line that is not JSON raises SyntaxError. */
  push(piece: string): TurnEvent[] {
    const lines = (this._rest + piece).split('\n');
    this._rest = lines.pop() ?? '';
    return lines.filter(line => line.trim()).map(parse);
  }

  /** Return the event on a last line that no newline ended. */
  end(): TurnEvent[] {
    const rest = this._rest;
    this._rest = '';
    return rest.trim() ? [parse(rest)] : [];
  }

  private _rest = '';
}

function parse(line: string): TurnEvent {
  return JSON.parse(line) as TurnEvent;
}
