/** What takes the focus away with it, other than by being removed. */
const WITHOUT = ':disabled, [hidden], [inert], [hidden] *, [inert] *';

/**
 * Give the focus to a place that stays, where what had it is taken away or can no longer be used.
 *
 * The browser would give it to the page: the next key of somebody without a mouse would begin at the top of it.
 */
export function keepFocus(root: HTMLElement, place: () => HTMLElement | null): void {
  let had: HTMLElement | null = null;
  const stands = () => had !== null && root.contains(had) && !had.matches(WITHOUT);
  const watched = new MutationObserver(() => look());
  const forget = () => {
    had = null;
    watched.disconnect();
  };
  const look = (left = false) => {
    if (!had || (!left && stands())) {
      return;
    }
    // Whoever took it away may have a better place for the focus, and knows when it has been drawn.
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        const now = document.activeElement;
        const isLost = !now || now === document.body || now === had;
        if (had && !stands() && isLost) {
          forget();
          place()?.focus();
        } else if (left && now !== had) {
          forget();
        }
      })
    );
  };
  root.addEventListener('focusin', event => {
    forget();
    const target = event.target as HTMLElement;
    // Fields stay, and while an answer is written there is much to watch.
    if (target.localName !== 'textarea') {
      had = target;
      watched.observe(root, {
        attributeFilter: ['disabled', 'hidden', 'inert'],
        childList: true,
        subtree: true
      });
    }
  });
  root.addEventListener('focusout', event => {
    if (event.relatedTarget) {
      forget();
    } else {
      // What is removed says so before it is: only afterwards is it clear whether somebody has just left it.
      look(true);
    }
  });
}
