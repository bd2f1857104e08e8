import { MainAreaWidget, Notification } from '@jupyterlab/apputils';

import { size } from '../server/models';
import type { TetherServer } from '../server/request';
import { pull } from '../server/shelf';
import { Catalog } from './catalog';
import { makePage } from './page';
import { IPull, Pulls, pullWords } from './pulls';

/** How long the news that a model is here stays, ms. */
const NEWS_MS = 15_000;

/** What outlives the tab of the models: a pull goes on while the tab is closed. */
export interface IModels {
  catalog: Catalog;
  pulls: Pulls;
  makePage(): MainAreaWidget;
}

export function makeModels(server: TetherServer): IModels {
  const catalog = new Catalog(server);
  const pulls = new Pulls((text, signal) => pull(server, text, signal));
  const heard = new WeakSet<IPull>();
  let pages = 0;
  pulls.finished.connect((_, { name, size: bytes, already }) => {
    const words = already ? `${name} was here already.` : `${name} is here, ${size(bytes)}.`;
    void catalog.refresh().then(() => catalog.told.emit(words));
    Notification.emit(words, 'success', {
      autoClose: NEWS_MS,
      actions: [{ label: 'Use it', callback: () => void useNamed(catalog, name) }]
    });
  });
  pulls.changed.connect(() => {
    for (const each of pulls.all) {
      if (each.state !== 'running' && !heard.has(each)) {
        heard.add(each);
        void catalog.refresh();
        catalog.told.emit(pullWords(each));
        // On the page itself the words stand where the pull is.
        if (each.state === 'failed' && !pages) {
          Notification.emit(`${each.name} was not fetched. ${pullWords(each)}`, 'error', {
            autoClose: false
          });
        }
      }
    }
  });
  return {
    catalog,
    pulls,
    makePage: () => {
      const page = makePage({ catalog, pulls });
      pages++;
      page.disposed.connect(() => pages--);
      return page;
    }
  };
}

async function useNamed(catalog: Catalog, name: string): Promise<void> {
  await catalog.refresh();
  const model = catalog.models?.find(each => each.name === name);
  if (model) {
    await catalog.use(model);
  }
  const problem = catalog.failures.get(name);
  if (problem) {
    Notification.emit(`${name} is not in use. ${problem.message}`, 'error', { autoClose: false });
  }
}
