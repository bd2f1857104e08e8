import { CommandRegistry } from '@lumino/commands';

const ACTIVE = 'jp-mod-inline-completer-active';
const LINE_BEGINNING = 'jp-mod-at-line-beginning';

/** Lab keeps the room of ghost text that has gone for a while, and shows nothing in it. */
const GHOST = '.jp-GhostText:not(.jp-GhostText-letterSpacer):not(.jp-GhostText-lineSpacer)';

/**
 * Give the keys their meaning while ghost text is shown, and while it is not.
 *
 * Tab is left to indentation where only white space stands before the cursor, and to whatever it does otherwise when
 * ghost text has gone by typing on. Lab accepts on Tab wherever ghost text is or was, in a listener on the document that
 * comes before every shortcut; this one on the window comes before that, and shows it an editor without ghost text.
 * Alt+End accepts it anywhere.
 *
 * The given commands run at their keys, which the editor has uses for and would take before Lab's shortcuts see them.
 */
export function guardKeys(id: string, commands: CommandRegistry, first: readonly string[]): void {
  window.addEventListener(
    'keydown',
    event => {
      const host = (event.target as Element | null)?.closest?.(`.${ACTIVE}`);
      if (!host) {
        return;
      }
      const shown = [...host.querySelectorAll<HTMLElement>(GHOST)].filter(each => each.textContent);
      const ours = shown.some(each => each.dataset.providedBy === id);
      const keys = CommandRegistry.keystrokeForKeydownEvent(event);
      if (keys === 'Tab' && (!shown.length || (ours && host.classList.contains(LINE_BEGINNING)))) {
        host.classList.remove(ACTIVE);
        return;
      }
      if (!ours) {
        return;
      }
      const bound = commands.keyBindings.find(
        each =>
          first.includes(each.command) &&
          each.keys.length === 1 &&
          each.keys[0] === keys &&
          host.matches(each.selector)
      );
      if (bound && commands.isEnabled(bound.command)) {
        event.preventDefault();
        event.stopImmediatePropagation();
        void commands.execute(bound.command);
      }
    },
    true
  );
}
