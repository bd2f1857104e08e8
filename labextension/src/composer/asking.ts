import type { Question } from '../chat/answer';
import type { Thread } from '../chat/thread';
import { asTurnError } from '../server/problems';
import type { Files } from './files';

/** Ask what stands in the field. Returns why it was not asked, in words; what was typed is then back in the field. */
export async function handOver(
  thread: Pick<Thread, 'draft' | 'edit' | 'send'>,
  files: Pick<Files, 'used'>
): Promise<string | null> {
  const { draft } = thread;
  const question = draft.editing as Question | null;
  const ask = draft.take();
  files.used(ask.attachments);
  try {
    await (question ? thread.edit(question, ask) : thread.send(ask));
    return null;
  } catch (reason) {
    draft.restore(ask);
    return asTurnError(reason).problem.message;
  }
}
