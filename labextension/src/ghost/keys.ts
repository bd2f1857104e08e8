import { CommandRegistry } from '@lumino/commands';

const ACTIVE = 'jp-mod-inline-completer-active';
const LINE_BEGINNING = 'jp-mod-at-line-beginning';

/**
 * Give the keys back their meaning while ghost text of this provider is shown.
 *
 * Tab is left to indentation where only white space stands before the cursor. Lab accepts ghost text on Tab wherever it
 * is shown, in a listener on the document that comes before every shortcut; this one on the window comes before that,
 * and lets it see an editor without ghost text. Alt+End still accepts it.
 *
 * The given commands run at their keys, which the editor has uses for and would take before Lab's shortcuts see them.
 */
export function guardKeys(id: string, commands: CommandRegistry, first: readonly string[]): void {
  window.addEventListener(
    'keydown',
    event => {
      const host = (event.target as Element | null)?.closest?.(`.${ACTIVE}`);
      if (!host?.querySelector(`.jp-GhostText[data-provided-by="${id}"]`)) {
        return;
      }
      const keys = CommandRegistry.keystrokeForKeydownEvent(event);
      if (keys === 'Tab' && host.classList.contains(LINE_BEGINNING)) {
        host.classList.remove(ACTIVE);
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
