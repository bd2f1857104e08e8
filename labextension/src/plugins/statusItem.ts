import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import type { Cell } from '@jupyterlab/cells';
import { NotebookActions } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStatusBar } from '@jupyterlab/statusbar';

import { HealthWatch } from '../models/healthWatch';
import { StatusItem } from '../models/statusItem';
import { statusOf } from '../models/statusWords';
import { asksTether } from '../notebook/text';
import { activity } from '../server/activity';
import { TetherServer } from '../server/request';
import { IAssistance } from '../tokens';
import { CommandIDs as Models } from './models';
import { CommandIDs as Page } from './modelsPage';

/** Jupyter has enough to do while it starts, ms. */
const FIRST_LOOK_MS = 500;

/** On the right, before the notebook's own items. */
const RANK = 40;

/** The model, its state and its memory, in the status bar. */
export const statusItem: JupyterFrontEndPlugin<void> = {
  id: '@tether/jupyterlab:statusItem',
  description: "The model's state in the status bar.",
  autoStart: true,
  optional: [IStatusBar, IAssistance, ISettingRegistry],
  activate: (
    app: JupyterFrontEnd,
    bar: IStatusBar | null,
    assistance: IAssistance | null,
    settings: ISettingRegistry | null
  ) => {
    if (!bar) {
      return;
    }
    const watch = new HealthWatch(new TetherServer(app.serviceManager.serverSettings));
    const on = () => assistance?.on !== false;
    const item = new StatusItem(() => void open());
    let wanted = true;
    let started = false;
    const tell = () => item.tell(statusOf(watch.look, on()));
    const follow = () => {
      watch.on = started && wanted && on();
      tell();
    };
    watch.changed.connect(tell);
    assistance?.changed.connect(follow);
    tell();
    bar.registerStatusItem(statusItem.id, { item, align: 'right', rank: RANK });
    void app.restored.then(() =>
      setTimeout(() => {
        started = true;
        follow();
      }, FIRST_LOOK_MS)
    );
    void shownBySettings(settings, shown => {
      wanted = shown;
      item.setHidden(!shown);
      follow();
    });

    // A cell that asks wakes the model as well, and the page sees nothing of its answer.
    const asks = (_: unknown, { cell }: { cell: Cell }) => {
      if (asksTether(cell.model.sharedModel.getSource())) {
        activity.stir();
      }
    };
    NotebookActions.executionScheduled.connect(asks);
    NotebookActions.executed.connect(asks);

    let close: (() => void) | null = null;
    const open = async () => {
      if (close) {
        close();
        return;
      }
      const { showStatus } = await import('../models/statusShow');
      close = showStatus(watch, item, {
        on,
        free: () => app.commands.execute(Models.freeGpu),
        models: () => void app.commands.execute(Page.models),
        toggle: async () => assistance?.set(!on()),
        closed: () => {
          close = null;
        }
      });
    };
  }
};

async function shownBySettings(
  registry: ISettingRegistry | null,
  apply: (shown: boolean) => void
): Promise<void> {
  const settings = await registry?.load(statusItem.id);
  const read = () => apply(settings?.get('shown').composite !== false);
  settings?.changed.connect(read);
  read();
}
