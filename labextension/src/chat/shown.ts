import { IStoredMessage, textOf } from '../server/history';
import { Answer, Question } from './answer';
import type { IAttachment } from './ask';

/** So far the server's clock may be behind the page's, ms. */
const CLOCKS_MS = 60_000;

/** One message as it is shown. */
export type Said = Question | Answer;

/** How what is shown becomes a branch of the history. */
export interface IChange {
  /** So many messages stay as they are, from the first. */
  kept: number;
  /** What comes after them. */
  fresh: Said[];
  /** What never reached the server as far as is known, and comes at the end: its words are nowhere else. */
  unsent: Said[];
  /** Answers under way among the fresh ones that their reader has stopped already. */
  unwanted: Answer[];
}

/**
 * Compare what is shown with a branch, its first message first.
 *
 * What agrees stays, with its place on the screen and its selection; of the rest only questions that were never heard.
 */
export function compare(shown: Said[], branch: IStoredMessage[]): IChange {
  const told = branch.filter(each => each.role !== 'system');
  const heard = heardAfterAll(shown, told);
  const unsent = new Set(shown.filter((said, at) => isUnsent(shown, at) && !heard.has(said)));
  let kept = 0;
  let read = 0;
  for (const [at, said] of shown.entries()) {
    if (unsent.has(said)) {
      continue;
    }
    const message = told[read];
    if (!message || !agrees(said, message)) {
      break;
    }
    read++;
    kept = at + 1;
  }
  const rest = shown.slice(kept);
  const stopped = new Set(
    rest.flatMap(said =>
      said instanceof Answer && said.phase === 'stopped' ? (said.id ?? []) : []
    )
  );
  let question = lastQuestion(shown.slice(0, kept).filter(said => !unsent.has(said)));
  const fresh = told.slice(read).map(message => {
    let said: Said;
    if (message.role === 'user') {
      const attached = (message.attachments ?? []).map(unnamed);
      said = question = new Question(textOf(message.content), [], message.id, attached);
      question.told = alongOf(message);
    } else {
      said = Answer.stored(message, question);
    }
    said.created = Date.parse(message.created_at) || said.created;
    return said;
  });
  const unwanted = fresh.flatMap(said =>
    said instanceof Answer && !said.over && stopped.has(said.id ?? '') ? said : []
  );
  return { kept, fresh, unsent: rest.filter(said => unsent.has(said)), unwanted };
}

/** Whether a message belongs to a question that never reached the server. */
function isUnsent(shown: Said[], at: number): boolean {
  const said = shown[at];
  const answer = said instanceof Answer ? said : shown[at + 1];
  return answer instanceof Answer && answer.question !== null && answer.unheard;
}

/**
 * The questions that the server has although it could not tell so before the line was lost, with what stands for their
 * answers: the branch shows them anew.
 */
function heardAfterAll(shown: Said[], told: IStoredMessage[]): Set<Said> {
  const known = new Set(shown.map(said => said.id));
  const heard = new Set<Said>();
  let from = 0;
  for (const [at, said] of shown.entries()) {
    if (said.id !== null) {
      const found = told.findIndex(message => message.id === said.id);
      // What another branch goes on with is not what was asked here.
      from = found < 0 ? told.length : found + 1;
    }
    const answer = shown[at + 1];
    const isPair = said instanceof Question && answer instanceof Answer;
    if (!isPair || !isUnsent(shown, at) || !isUnsure(answer)) {
      continue;
    }
    const same = told.findIndex(
      (message, n) => n >= from && !known.has(message.id) && isOf(said, message)
    );
    if (same >= 0) {
      heard.add(said).add(answer);
      from = same + 1;
    }
  }
  return heard;
}

/** Whether the server may have heard a question although it told nothing of it: it did not refuse it. */
function isUnsure(answer: Answer): boolean {
  return answer.phase === 'stopped' || answer.problem?.type === 'connection_lost';
}

/** Whether a message says what was asked, and not some time before: people ask the same again. */
function isOf(question: Question, message: IStoredMessage): boolean {
  const early = Date.parse(message.created_at) < question.created - CLOCKS_MS;
  return message.role === 'user' && !early && textOf(message.content) === question.words;
}

function agrees(said: Said, message: IStoredMessage): boolean {
  return said instanceof Answer ? said.agrees(message) : said.id === message.id;
}

/** The names of what went along with a question; null where nothing did. Uploads have names of their own. */
function alongOf({ metadata, attachments }: IStoredMessage): string[] | null {
  const items = metadata?.context?.items ?? [];
  const uploads = Boolean(attachments?.length);
  const along = items.filter(({ kind }) => !(uploads && kind === 'file'));
  return along.length ? along.map(({ name }) => name) : null;
}

/** An upload of which no more than its id is known. */
function unnamed(id: string): IAttachment {
  return { id, name: 'attachment', size: 0, mime: '' };
}

function lastQuestion(shown: Said[]): Question | null {
  const questions = shown.filter(said => said instanceof Question);
  return (questions.pop() as Question | undefined) ?? null;
}
