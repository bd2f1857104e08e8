import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { LabIcon } from '@jupyterlab/ui-components';

import { aboutCell, aboutOutput, activePlace, IPlace, outputsAt } from '../cellTools/about';
import { Emptiness } from '../cellTools/emptiness';
import { explainIcon } from '../cellTools/icons';
import { tetherIcon } from '../icons';
import type { IContext } from '../server/request';
import { IAssistance, ITether } from '../tokens';

interface IAction {
  id: string;
  label: string;
  caption: string;
  icon: LabIcon;
  context: (place: IPlace) => IContext[];
  /** Whether there is something to ask about. */
  there: (place: IPlace) => boolean;
  /** What is asked; without it, the words are the user's. */
  words?: (number: number) => string;
}

const ACTIONS: IAction[] = [
  {
    id: 'tether:explain-cell',
    label: 'Explain cell',
    caption: 'Explain this cell in the Tether sidebar',
    icon: explainIcon,
    context: aboutCell,
    there: place => aboutCell(place).length > 0,
    words: number => `Explain cell ${number}.`
  },
  {
    id: 'tether:ask-cell',
    label: 'Ask about cell',
    caption: 'Ask about this cell in the Tether sidebar',
    icon: tetherIcon,
    context: aboutCell,
    there: () => true
  },
  {
    id: 'tether:explain-output',
    label: 'Explain output',
    caption: 'Explain what this cell put out, in the Tether sidebar',
    icon: explainIcon,
    context: aboutOutput,
    there: place => outputsAt(place).length > 0,
    words: number => `Explain the output of cell ${number}.`
  },
  {
    id: 'tether:ask-output',
    label: 'Ask about output',
    caption: 'Ask about what this cell put out, in the Tether sidebar',
    icon: tetherIcon,
    context: aboutOutput,
    there: place => outputsAt(place).length > 0
  }
];

/** Explain and Ask, on cells and on what they put out. */
export const cellActions: JupyterFrontEndPlugin<void> = {
  id: '@tether/jupyterlab:cell-actions',
  description: 'Explain and Ask on cells and outputs: in the cell toolbar and the context menu.',
  autoStart: true,
  requires: [ITether, INotebookTracker],
  optional: [IAssistance, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    tether: ITether,
    notebooks: INotebookTracker,
    assistance: IAssistance | null,
    palette: ICommandPalette | null
  ) => {
    const { commands } = app;
    const on = () => assistance?.on ?? true;
    const update = () => ACTIONS.forEach(({ id }) => commands.notifyCommandChanged(id));
    for (const { id, label, caption, icon, context, there, words } of ACTIONS) {
      commands.addCommand(id, {
        label: args => (args.isPalette ? `Tether: ${label}` : args.isToolbar ? '' : label),
        caption,
        icon,
        isVisible: on,
        isEnabled: () => {
          const place = activePlace(notebooks);
          return on() && place !== null && there(place);
        },
        execute: async () => {
          const place = activePlace(notebooks);
          if (!place) {
            return;
          }
          const number = place.index + 1;
          await (words
            ? tether.ask(words(number), context(place))
            : tether.compose('', context(place)));
        }
      });
      palette?.addItem({ command: id, category: 'Tether', args: { isPalette: true } });
    }
    // Toolbars ask again only when they are told to.
    assistance?.changed.connect(update);
    const emptiness = new Emptiness(update);
    notebooks.activeCellChanged.connect((_, cell) => {
      emptiness.follow(cell?.model.sharedModel ?? null);
      update();
    });
  }
};
