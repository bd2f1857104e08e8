import type { JupyterFrontEnd } from '@jupyterlab/application';
import { MenuSvg } from '@jupyterlab/ui-components';

/** Open a menu of commands under a button, which has the focus again when it closes. */
export function openMenu(
  commands: JupyterFrontEnd['commands'],
  items: string[],
  button: HTMLElement
): void {
  const menu = new MenuSvg({ commands });
  for (const command of items) {
    menu.addItem({ command, args: { isMenu: true } });
  }
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
