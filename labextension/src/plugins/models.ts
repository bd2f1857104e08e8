import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Dialog, ICommandPalette, Notification, showDialog } from '@jupyterlab/apputils';

import { activity } from '../server/activity';
import { gaveBack, takesMemory, underWay } from '../server/models';
import { TurnError } from '../server/problems';
import { TetherServer } from '../server/request';

export namespace CommandIDs {
  export const freeGpu = 'tether:free-gpu';
}

const WORDS = 'Unload the model and free its memory';

/** How long a notification of what was done stays, ms. */
const SHOWN_MS = 8000;

/** What can be done with the models. */
export const models: JupyterFrontEndPlugin<void> = {
  id: '@tether/jupyterlab:models',
  description: 'Commands for the models that Tether runs.',
  autoStart: true,
  optional: [ICommandPalette],
  activate: (app: JupyterFrontEnd, palette: ICommandPalette | null) => {
    const server = new TetherServer(app.serviceManager.serverSettings);
    app.commands.addCommand(CommandIDs.freeGpu, {
      label: args => (args.isMenu ? WORDS : `Tether: ${WORDS}`),
      caption: 'Give back the memory and the GPU; the next question loads the model again',
      execute: () => freeMemory(server)
    });
    palette?.addItem({ command: CommandIDs.freeGpu, category: 'Tether' });
  }
};

/** Unload what is loaded on the server's machine, and tell what that gave back. */
async function freeMemory(server: TetherServer): Promise<void> {
  // One notification at the end, none in between: Lab drops an update that comes before the toast is on screen.
  const tell = (message: string, type: 'success' | 'info' | 'error') =>
    Notification.emit(message, type, { autoClose: type === 'error' ? false : SHOWN_MS });
  // Whatever shows the model's state looks again.
  const end = activity.begin();
  try {
    // What it will give back is known only before.
    const [found, health] = await Promise.all([server.models(), server.health()]);
    const loaded = found.models.filter(takesMemory);
    if (!loaded.length) {
      tell(found.problem ?? 'No model is loaded, so none takes any memory.', 'info');
      return;
    }
    const answers = underWay(loaded);
    if (answers && !(await confirmed(answers))) {
      return;
    }
    for (const backend of new Set(loaded.map(each => each.backend))) {
      await server.unload(backend);
    }
    tell(gaveBack(loaded, health), 'success');
  } catch (reason) {
    tell(`The model was not unloaded. ${why(reason)}`, 'error');
  } finally {
    end();
  }
}

async function confirmed(answers: number): Promise<boolean> {
  const many = answers === 1 ? 'An answer is' : `${answers} answers are`;
  const result = await showDialog({
    title: 'Unload the model?',
    body: `${many} under way. Unloading ends ${answers === 1 ? 'it' : 'them'}; the text so far is kept.`,
    buttons: [Dialog.cancelButton({ label: 'Keep it' }), Dialog.warnButton({ label: 'Unload' })]
  });
  return result.button.accept;
}

function why(reason: unknown): string {
  if (!(reason instanceof TurnError)) {
    console.error('Tether:', reason);
    return "Something went wrong in this page; the browser's console says more.";
  }
  const { type, message } = reason.problem;
  return type === 'connection_lost' ? `${message} See that its server is still running.` : message;
}
