import type { JupyterFrontEnd } from '@jupyterlab/application';
import { MenuSvg } from '@jupyterlab/ui-components';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

type Commands = JupyterFrontEnd['commands'];

interface IEntry {
  command: string;
  args?: ReadonlyPartialJSONObject;
}

/** What the menu offers, in its order; an empty line divides it. What another room has not brought is left out. */
const ENTRIES: readonly (IEntry | IMenu | null)[] = [
  { command: 'tether:rename-thread' },
  { command: 'tether:pin-thread' },
  {
    label: 'Export as',
    entries: ['md', 'ipynb', 'json'].map(format => ({
      command: 'tether:export-thread',
      args: { format }
    }))
  },
  { command: 'tether:import-thread' },
  { command: 'tether:delete-thread' },
  null,
  { command: 'tether:free-gpu' },
  { command: 'tether:models' },
  null,
  { command: 'tether:settings' },
  { command: 'tether:toggle-assistance' }
];

interface IMenu {
  label: string;
  entries: readonly IEntry[];
}

/** Open the menu under a button, which has the focus again when it closes. `more` are commands to be in it as well. */
export function openMenu(commands: Commands, more: string[], button: HTMLElement): void {
  const known = ENTRIES.map(each => each && 'command' in each && each.command);
  const others = more.filter(each => !known.includes(each)).map(command => ({ command }));
  const menu = new MenuSvg({ commands });
  fill(menu, [...ENTRIES, ...others], commands);
  menu.aboutToClose.connect(() => {
    button.setAttribute('aria-expanded', 'false');
    button.focus();
    // A command runs after its menu has closed, and the menu is still needed until then.
    setTimeout(() => menu.dispose());
  });
  const { right, bottom } = button.getBoundingClientRect();
  button.setAttribute('aria-expanded', 'true');
  menu.open(right, bottom, { horizontalAlignment: 'right' });
  menu.activateNextItem();
}

function fill(
  menu: MenuSvg,
  entries: readonly (IEntry | IMenu | null)[],
  commands: Commands
): void {
  for (const entry of entries) {
    if (entry === null) {
      menu.addItem({ type: 'separator' });
    } else if ('command' in entry) {
      if (commands.hasCommand(entry.command)) {
        menu.addItem({ command: entry.command, args: { ...entry.args, isMenu: true } });
      }
    } else {
      const submenu = new MenuSvg({ commands });
      submenu.title.label = entry.label;
      fill(submenu, entry.entries, commands);
      if (submenu.items.length) {
        menu.addItem({ type: 'submenu', submenu });
      }
    }
  }
}
