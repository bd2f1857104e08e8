import { MenuSvg } from '@jupyterlab/ui-components';
import { CommandRegistry } from '@lumino/commands';

import type { IThread } from '../server/threads';
import type { Format } from '../server/transfer';
import type { Library } from './library';

export const FORMATS: readonly (readonly [Format, string])[] = [
  ['md', 'Markdown'],
  ['ipynb', 'Notebook'],
  ['json', 'JSON']
];

/** Open the menu of a conversation in the list. */
export function openRowMenu(library: Library, thread: IThread, at: HTMLElement): void {
  const commands = new CommandRegistry();
  const menu = new MenuSvg({ commands });
  const add = (to: MenuSvg, id: string, label: string, execute: () => unknown, on = false) => {
    commands.addCommand(id, { label, execute, isToggled: () => on });
    to.addItem({ command: id });
  };
  add(menu, 'open', 'Open', () => library.choose(thread.id));
  add(menu, 'rename', 'Rename', () => library.rename({ in: 'list', id: thread.id }));
  add(menu, 'pin', thread.pinned ? 'Unpin' : 'Pin', () => library.pin(thread.id, !thread.pinned));
  const projects = new MenuSvg({ commands });
  projects.title.label = 'Move to';
  for (const project of library.shelf.projects) {
    const inIt = thread.project_id === project.id;
    add(projects, project.id, project.name, () => library.move(thread.id, project), inIt);
  }
  if (library.shelf.projectOf(thread.project_id)) {
    add(projects, 'none', 'No project', () => library.move(thread.id, null));
  }
  add(projects, 'new', 'New project', () => library.newProject(thread.id));
  menu.addItem({ type: 'submenu', submenu: projects });
  const formats = new MenuSvg({ commands });
  formats.title.label = 'Export as';
  for (const [format, name] of FORMATS) {
    add(formats, `as ${format}`, name, () => library.save(thread.id, format));
  }
  menu.addItem({ type: 'submenu', submenu: formats });
  menu.addItem({ type: 'separator' });
  add(menu, 'delete', 'Delete', () => library.remove(thread.id));
  if (at instanceof HTMLButtonElement) {
    at.setAttribute('aria-expanded', 'true');
  }
  menu.aboutToClose.connect(() => {
    if (at instanceof HTMLButtonElement) {
      at.removeAttribute('aria-expanded');
    }
    // The button is out of sight unless the pointer or the focus is in its row.
    (at.closest<HTMLElement>('[role="treeitem"]') ?? at).focus();
    // A command runs after its menu has closed, and the menu is still needed until then.
    setTimeout(() => menu.dispose());
  });
  const { right, bottom } = at.getBoundingClientRect();
  menu.open(right, bottom, { horizontalAlignment: 'right' });
  menu.activateNextItem();
}
