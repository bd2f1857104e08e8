import type { NotebookPanel } from '@jupyterlab/notebook';

import { ask } from '../chat/ask';
import type { Rooms } from '../chat/rooms';
import type { Thread } from '../chat/thread';
import { panelFor } from '../notebook/read';
import { modelId } from '../server/choices';
import { asTurnError, TurnError } from '../server/problems';
import type { IContext } from '../server/request';
import { saveThread } from '../threads/save';
import { seeAt } from './choosing';
import { cellChip, errorChips } from './cells';
import { IChip, pieceOf } from './chip';
import { CommandName, Level, LEVELS, named, parse } from './commands';
import type { Files } from './files';
import type { Lists } from './lists';
import { ownOf } from './options';

interface IParts {
  rooms: Rooms;
  thread: Thread;
  lists: Lists;
  files: Pick<Files, 'used'>;
}

/**
 * Do what a line says that was typed with a slash, and take it out of the field.
 *
 * Returns what to tell the user, in words; null where it shows by itself. A line that is not done is in the field again
 * if more than the command stands in it.
 */
export async function obey(line: string, parts: IParts): Promise<string | null> {
  const parsed = parse(line);
  if (parsed.kind !== 'command') {
    return null;
  }
  const { draft } = parts.thread;
  draft.words = '';
  try {
    return await command(parsed.name, parsed.rest, parts);
  } catch (reason) {
    if (parsed.rest && parsed.name !== 'new') {
      draft.restore(ask(line));
    }
    return asTurnError(reason).problem.message;
  }
}

/** Do one command. Raises TurnError where it is not done. */
async function command(name: CommandName, rest: string, parts: IParts): Promise<string | null> {
  const { rooms, thread, lists } = parts;
  const { draft } = thread;
  switch (name) {
    case 'new':
      await begin(rest, parts);
      return null;
    case 'stop':
      if (!thread.busy) {
        return 'No answer is being written.';
      }
      await thread.stop();
      return null;
    case 'fix': {
      const failed = errorChips(panelHere(parts));
      if (!failed) {
        throw notDone('No cell of this notebook shows an error.');
      }
      const words = rest || `Why does this fail with ${failed.error.name}, and how do I fix it?`;
      void thread.send(ask(words, pieces(failed.error, failed.cell)));
      return null;
    }
    case 'explain': {
      const panel = panelHere(parts);
      const number = rooms.open.cell?.number ?? 0;
      const cell = cellChip(panel, number);
      if (!cell) {
        throw notDone(panel ? 'The active cell is empty.' : 'No notebook is open.');
      }
      void thread.send(ask(rest || `What does cell ${number} do?`, pieces(cell)));
      return null;
    }
    case 'clear':
      draft.clearContext();
      return 'Nothing goes along now.';
    case 'model': {
      await lists.lookModels();
      const model = named(lists.models, rest, each => each.name);
      const byId = model ?? named(lists.models, rest, modelId);
      if (!byId) {
        throw notDone(
          lists.note('models') ?? `There is no model “${rest}” here. Choose one from the menu.`
        );
      }
      draft.choose({ model: modelId(byId) });
      return `${byId.name} answers in this conversation.`;
    }
    case 'preset': {
      await lists.lookPresets(true);
      const preset = named(lists.presets, rest, each => each.name);
      if (!preset) {
        throw notDone(`There is no preset “${rest}”.`);
      }
      draft.choose({ preset: preset.name });
      return `The preset ${preset.name} holds in this conversation.`;
    }
    case 'see': {
      const level = named<Level>(LEVELS, rest, each => each);
      if (!level) {
        throw notDone(`How much may be seen is one of ${LEVELS.join(', ')}.`);
      }
      seeAt(draft, level);
      return `In this conversation, of the data may be seen: ${level}.`;
    }
    case 'export':
      if (thread.id === null || !thread.said.length) {
        return 'There is nothing to save yet.';
      }
      await saveThread(rooms.server, thread.id, 'md', thread.said);
      return 'Saved as Markdown, among your downloads.';
    case 'help':
      draft.words = '/';
      return null;
  }
}

/** Begin a new conversation, and ask there what stands behind the command, with all that goes along. */
async function begin(words: string, { rooms, thread, files }: IParts): Promise<void> {
  const asked = words ? { ...thread.draft.take(), words } : null;
  const begun = rooms.begin();
  // The new one, whatever comes to the front meanwhile.
  const next = rooms.current;
  try {
    await begun;
  } catch (reason) {
    if (asked) {
      next.draft.restore({ ...asked, words: `/new ${words}` });
    }
    throw reason;
  }
  if (asked) {
    files.used(asked.attachments);
    // What was chosen for the old conversation does not hold in the new one.
    void next.send({ ...asked, options: ownOf(asked.options) });
  }
}

/** The notebook in front. Raises TurnError where the conversation is about another one. */
function panelHere({ rooms, thread }: IParts): NotebookPanel | null {
  const panel = panelFor(thread, rooms.open);
  if (panel !== rooms.open.panel) {
    const name = thread.notebook?.split('/').pop();
    throw notDone(
      `This conversation is about ${name}, and another notebook is in front. Open ${name}, then try again.`
    );
  }
  return panel;
}

function pieces(...chips: (IChip | null)[]): IContext[] {
  return chips.flatMap(each => (each && pieceOf(each)) ?? []);
}

function notDone(message: string): TurnError {
  return new TurnError({ type: 'not_done', message, retryable: false, hint: null });
}
