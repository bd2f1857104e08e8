import type { IProblem, IUsage } from './events';

export interface IConversation {
  id: string;
  title: string;
  notebook: string | null;
  project_id: string | null;
  pinned: boolean;
  message_count: number;
  last_message_at: string | null;
  deleted_at: string | null;
}

/** One with what was said in it, all branches, the oldest first. */
export interface IToldConversation extends IConversation {
  messages: IStoredMessage[];
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
  /** Ids of uploads. */
  attachments?: string[];
  /** `context` tells by name what went along with a question. */
  metadata?: { context?: { items?: { kind: string; name: string }[] } };
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
