import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';

/** A notebook that has not come by then does not come, ms. */
const LONGEST = 1000;

/**
 * Bring a notebook to the front, and resolve once it is there: what is asked is asked about the one in front.
 *
 * An error may be shown in a view beside another notebook.
 */
export function toFront(
  panel: NotebookPanel,
  notebooks: Pick<INotebookTracker, 'currentWidget' | 'currentChanged'>,
  activate: (id: string) => void
): Promise<void> {
  if (notebooks.currentWidget === panel) {
    return Promise.resolve();
  }
  return new Promise(resolve => {
    const done = () => {
      clearTimeout(timer);
      notebooks.currentChanged.disconnect(look);
      resolve();
    };
    const look = () => {
      if (notebooks.currentWidget === panel) {
        done();
      }
    };
    const timer = setTimeout(done, LONGEST);
    notebooks.currentChanged.connect(look);
    activate(panel.id);
  });
}
