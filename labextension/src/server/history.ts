import type { IProblem, IUsage } from './events';

export interface IConversation {
  id: string;
  title: string | null;
  notebook: string | null;
  message_count: number;
  last_message_at: string | null;
}

export type Reaction = 'thumbs_up' | 'thumbs_down';

/** A message as it was kept. `parent_id` names the one that it follows: several may follow the same. */
export interface IStoredMessage {
  id: string;
  parent_id: string | null;
  role: 'user' | 'assistant' | 'system';
  content: string | IPart[];
  created_at: string;
  /** `interrupted` where its server ended before it. */
  status: 'running' | 'interrupted' | 'complete';
  model: string | null;
  finish_reason: string | null;
  error: IProblem | null;
  usage: IUsage | null;
  reaction: Reaction | null;
}

interface IPart {
  type: string;
  text?: string;
}

/** The words of a message; what is no text in it is named. */
export function textOf(content: string | IPart[]): string {
  return typeof content === 'string'
    ? content
    : content.map(part => (part.type === 'text' ? (part.text ?? '') : '[image]')).join('\n');
}

/** The branch that ends with the newest message, from its beginning; `stored` is in the order of time. */
export function newestBranch(stored: IStoredMessage[]): IStoredMessage[] {
  const byId = new Map(stored.map(each => [each.id, each]));
  const branch: IStoredMessage[] = [];
  let at: IStoredMessage | undefined = stored[stored.length - 1];
  while (at) {
    branch.push(at);
    // Taken out, no message is met twice, whatever the history says.
    byId.delete(at.id);
    at = byId.get(at.parent_id ?? '');
  }
  return branch.reverse();
}
