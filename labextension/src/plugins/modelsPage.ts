import { ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';

import { tetherIcon } from '../icons';
import type { IModels } from '../models';
import { TetherServer } from '../server/request';

export namespace CommandIDs {
  export const models = 'tether:models';
}

const NAME = 'tether-models';

/** After the chat, where the page stands beside it. */
const RANK = 901;

/** The page of the models: what is there, fetching, loading, which one answers and what it is asked with. */
export const modelsPage: JupyterFrontEndPlugin<void> = {
  id: '@tether/jupyterlab:models-page',
  description: 'The page of the models that Tether asks.',
  autoStart: true,
  optional: [ICommandPalette, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null
  ) => {
    const tracker = new WidgetTracker<MainAreaWidget>({ namespace: NAME });
    let loading: Promise<IModels> | null = null;
    const load = async () => {
      loading ??= import('../models').then(({ makeModels }) =>
        makeModels(new TetherServer(app.serviceManager.serverSettings))
      );
      return loading.catch(reason => {
        loading = null;
        throw reason;
      });
    };
    app.commands.addCommand(CommandIDs.models, {
      label: args => (args.isMenu ? 'Models of Tether' : 'Tether: Models'),
      caption: 'Choose, fetch, load and remove the models that Tether asks',
      icon: args => (args.isPalette ? undefined : tetherIcon),
      execute: async () => {
        const { makePage } = await load();
        // Two clicks while it is being loaded still make one page.
        const page = tracker.currentWidget ?? makePage();
        if (!tracker.has(page)) {
          await tracker.add(page);
          app.shell.add(page, 'main');
          if (!page.isAttached) {
            // Notebook 7 has room for its notebook alone there.
            app.shell.add(page, 'right', { rank: RANK });
          }
        }
        app.shell.activateById(page.id);
        return page;
      }
    });
    palette?.addItem({ command: CommandIDs.models, category: 'Tether', args: { isPalette: true } });
    void restorer?.restore(tracker, { command: CommandIDs.models, name: () => NAME });
  }
};
