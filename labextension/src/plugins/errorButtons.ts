import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { IOutputModel, IRenderMimeRegistry } from '@jupyterlab/rendermime';

import { aboutError, activePlace, errorAt, IPlace, placeOf, sourceAt } from '../cellTools/about';
import { ERRORS, IErrorDoing, withErrorTools } from '../cellTools/errorTools';
import type { Output } from '../cellTools/outputs';
import { toFront } from '../cellTools/toFront';
import { asksTether } from '../notebook/text';
import { IAssistance, ITether } from '../tokens';

namespace CommandIDs {
  export const fix = 'tether:fix-error';
  export const explain = 'tether:explain-error';
}

const OFF = 'tether-mod-off';

/** Fix and Explain on every error that a cell put out. */
export const errorButtons: JupyterFrontEndPlugin<void> = {
  id: '@tether/jupyterlab:error-buttons',
  description: 'Fix and Explain on every error in a notebook.',
  autoStart: true,
  requires: [ITether, INotebookTracker, IRenderMimeRegistry],
  optional: [IAssistance, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    tether: ITether,
    notebooks: INotebookTracker,
    rendermime: IRenderMimeRegistry,
    assistance: IAssistance | null,
    palette: ICommandPalette | null
  ) => {
    const { commands } = app;
    const on = () => assistance?.on ?? true;
    const ask = async (place: IPlace, error: Output, fix: boolean) => {
      // Told before the wait, in which the notebook may change.
      const { words, context, options } = aboutError(place, error, fix);
      await toFront(place.panel, notebooks, id => app.shell.activateById(id));
      await tether.ask(words, context, options);
    };
    const doing: IErrorDoing = {
      offers: model => {
        const place =
          (model as Partial<IOutputModel>).type === 'error' && placeOf(notebooks, model);
        return place ? !asksTether(sourceAt(place)) : false;
      },
      ask: (model, fix) => {
        const place = placeOf(notebooks, model);
        if (place) {
          const error = (model as IOutputModel).toJSON() as unknown as Output;
          void ask(place, error, fix);
        }
      }
    };
    for (const type of ERRORS) {
      const factory = rendermime.getFactory(type);
      if (factory) {
        rendermime.addFactory(withErrorTools(factory, doing, type), rendermime.getRank(type));
      }
    }

    const active = () => {
      const place = activePlace(notebooks);
      const error = place && errorAt(place);
      return place && error ? { place, error } : null;
    };
    const add = (id: string, label: string, caption: string, fix: boolean) => {
      commands.addCommand(id, {
        label,
        caption,
        isVisible: on,
        isEnabled: () => on() && active() !== null,
        execute: () => {
          const found = active();
          if (found) {
            void ask(found.place, found.error, fix);
          }
        }
      });
      palette?.addItem({ command: id, category: 'Tether' });
    };
    add(CommandIDs.fix, 'Tether: Fix the error of this cell', 'Ask for a corrected cell', true);
    add(CommandIDs.explain, 'Tether: Explain the error of this cell', 'Ask what it means', false);

    const follow = () => {
      document.body.classList.toggle(OFF, !on());
      Object.values(CommandIDs).forEach(id => commands.notifyCommandChanged(id));
    };
    assistance?.changed.connect(follow);
    follow();
  }
};
