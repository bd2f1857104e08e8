import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICompletionProviderManager, IInlineCompletionProvider } from '@jupyterlab/completer';
import { ISettingRegistry } from '@jupyterlab/settingregistry';

import type { GhostText } from '../ghost';
import { IGhostSettings, read } from '../ghost/settings';
import { tetherIcon } from '../icons';
import { TetherServer } from '../server/request';
import { IAssistance } from '../tokens';

namespace CommandIDs {
  export const word = 'tether:accept-word';
  export const line = 'tether:accept-line';
}

/** Ghost text through Lab's own inline completion. */
export const ghost: JupyterFrontEndPlugin<void> = {
  id: '@tether/jupyterlab:ghost',
  description: 'Completes code while it is typed.',
  autoStart: true,
  optional: [ICompletionProviderManager, ISettingRegistry, IAssistance],
  activate: (
    app: JupyterFrontEnd,
    completer: ICompletionProviderManager | null,
    registry: ISettingRegistry | null,
    assistance: IAssistance | null
  ) => {
    if (!completer) {
      return;
    }
    // Nothing is known to be wanted before the settings are there.
    let settings: IGhostSettings | null = null;
    let loaded: GhostText | null = null;
    const on = () => assistance?.on ?? true;
    const load = async () => {
      const { GhostText } = await import('../ghost');
      loaded ??= new GhostText({
        server: new TetherServer(app.serviceManager.serverSettings),
        id: ghost.id,
        settings: () => settings!,
        on,
        commands: app.commands,
        partial: Object.values(CommandIDs),
        openSettings: () => {
          void app.commands.execute('settingeditor:open', { query: 'Tether ghost text' });
        }
      });
      return loaded;
    };
    const provider: IInlineCompletionProvider = {
      identifier: ghost.id,
      name: 'Tether',
      icon: tetherIcon,
      // Lab's own defaults leave out the middle of lines, and give a model that loads five seconds.
      schema: {
        type: 'object',
        default: { enabled: true, autoFillInMiddle: true, timeout: 30_000 }
      },
      fetch: async (_, context) =>
        on() && settings && settings.when !== 'never'
          ? (await load()).fetch(context)
          : { items: [] },
      async *stream(token) {
        if (loaded) {
          yield* loaded.stream(token);
        }
      }
    };
    completer.registerInlineProvider(provider);

    void follow(registry, found => {
      settings = found;
      loaded?.cancel();
    });
    assistance?.changed.connect(() => loaded?.cancel());

    for (const [id, what, label] of [
      [CommandIDs.word, 'word', 'Accept the next word'],
      [CommandIDs.line, 'line', 'Accept the next line']
    ] as const) {
      app.commands.addCommand(id, {
        label: `Tether: ${label} of the ghost text`,
        isEnabled: () => on() && Boolean(loaded?.shown),
        execute: () => loaded?.take(what)
      });
    }
  }
};

async function follow(
  registry: ISettingRegistry | null,
  apply: (settings: IGhostSettings) => void
): Promise<void> {
  const settings = (await registry?.load(ghost.id)) ?? null;
  settings?.changed.connect(() => apply(read(settings)));
  apply(read(settings));
}
