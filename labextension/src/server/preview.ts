import { textOf } from './history';
import { IQuestion, JSON_BODY, TetherServer } from './request';

/** What a question would send, and where to; nothing is asked for it. */
export interface IPreview {
  to: { backend: string; model: string; place: string; leaves: boolean };
  /** How much of the data may be seen, with the most that the server allows. */
  level: string;
  items: { kind: string; name: string; tokens: number | null }[];
  left_out: { kind: string; name: string; tokens: number | null; why: string }[];
  masked: { kind: string; count: number }[];
  messages: { role: string; content: string | IMessagePart[] }[];
  tokens: number;
  /** Those of them that are not left behind where the conversation is too long: instructions and question. */
  needed: number;
  /** Tokens that the model can take; null where nobody knows. */
  window: number | null;
  /** What of the window is not kept for the answer. */
  room: number | null;
}

interface IMessagePart {
  type: string;
  text?: string;
  image_url?: { url: string };
}

/** Ask what a question would send; `brief` leaves the messages out, and loads no model to count them. */
export async function previewOf(
  server: TetherServer,
  question: IQuestion,
  signal?: AbortSignal,
  brief = false
): Promise<IPreview> {
  return server.json<IPreview>(brief ? 'context?brief=true' : 'context', {
    method: 'POST',
    headers: JSON_BODY,
    body: JSON.stringify({ client_id: 'lab', ...question }),
    signal
  });
}

/** The text of a message as the model reads it; a picture is named. */
export function wordsOf(content: IPreview['messages'][number]['content']): string {
  return textOf(content);
}
