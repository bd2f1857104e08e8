import type { IAsk } from '../chat/ask';
import type { Rooms } from '../chat/rooms';
import type { Thread } from '../chat/thread';
import { modelId } from '../server/choices';
import type { TetherServer } from '../server/request';
import { seeAt } from './choosing';
import { cellChip, errorChips } from './cells';
import { IChip, pieceOf } from './chip';
import { CommandName, Level, LEVELS, named } from './commands';
import { Lists } from './lists';

interface IParts {
  rooms: Rooms;
  thread: Thread;
  lists: Lists;
}

/** Do what was typed with a slash. Returns what to tell the user, in words; null where it shows by itself. */
export async function command(
  name: CommandName,
  rest: string,
  parts: IParts
): Promise<string | null> {
  const { rooms, thread, lists } = parts;
  const { draft } = thread;
  const panel = rooms.open.panel;
  switch (name) {
    case 'new':
      await rooms.begin();
      return null;
    case 'stop':
      if (!thread.busy) {
        return 'No answer is being written.';
      }
      await thread.stop();
      return null;
    case 'fix': {
      const failed = errorChips(panel);
      if (!failed) {
        return 'No cell of this notebook shows an error.';
      }
      const words = rest || `Why does this fail with ${failed.error.name}, and how do I fix it?`;
      void thread.send(asked(thread, words, [failed.error, failed.cell]));
      return null;
    }
    case 'explain': {
      const number = rooms.open.cell?.number ?? 0;
      const cell = cellChip(panel, number);
      if (!cell) {
        return panel ? 'The active cell is empty.' : 'No notebook is open.';
      }
      void thread.send(asked(thread, rest || `What does cell ${number} do?`, [cell]));
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
        return lists.problem ?? `There is no model “${rest}” here. Choose one from the menu.`;
      }
      draft.choose({ model: modelId(byId) });
      return `${byId.name} answers in this conversation.`;
    }
    case 'preset': {
      await lists.lookPresets(true);
      const preset = named(lists.presets, rest, each => each.name);
      if (!preset) {
        return `There is no preset “${rest}”.`;
      }
      draft.choose({ preset: preset.name });
      return `The preset ${preset.name} holds in this conversation.`;
    }
    case 'see': {
      const level = named<Level>(LEVELS, rest, each => each);
      if (!level) {
        return `How much may be seen is one of ${LEVELS.join(', ')}.`;
      }
      seeAt(draft, level);
      return `In this conversation, of the data may be seen: ${level}.`;
    }
    case 'export':
      if (thread.id === null || !thread.said.length) {
        return 'There is nothing to save yet.';
      }
      await download(rooms.server, thread.id);
      return 'Saved as Markdown, among your downloads.';
    case 'help':
      draft.words = '/';
      return null;
  }
}

function asked(thread: Thread, words: string, chips: (IChip | null)[]): IAsk {
  const { see, ...options } = thread.draft.options;
  return {
    words,
    context: chips.flatMap(each => (each && pieceOf(each)) ?? []),
    attachments: [],
    options: { ...options, ...(see && { see }) }
  };
}

async function download(server: TetherServer, conversation: string): Promise<void> {
  const id = encodeURIComponent(conversation);
  const response = await server.request(`conversations/${id}/export?format=md`);
  const named = /filename\*=UTF-8''([^;]+)/.exec(response.headers.get('Content-Disposition') ?? '');
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement('a');
  link.href = url;
  link.download = named ? decodeURIComponent(named[1]) : 'conversation.md';
  link.click();
  URL.revokeObjectURL(url);
}
