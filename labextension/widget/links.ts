import { isSafeLink } from '../src/server/inert';
import { element } from './dom';

/** A link as a button: the address it leads to stands there whole before anything is opened. */
export function linked(address: string, label: Node[]): Node {
  const whole = isSafeLink(address) ? absolute(address) : null;
  if (whole === null) {
    return element('span', '', ...label, ' (link blocked)');
  }
  const made = element('button', 'tw-link', ...label);
  made.type = 'button';
  made.dataset.address = whole;
  made.title = whole;
  made.setAttribute('aria-expanded', 'false');
  return made;
}

/** Show or put away the address of a link that was pressed. */
export function toggleAddress(link: HTMLButtonElement): void {
  const next = link.nextElementSibling;
  if (next?.classList.contains('tw-address')) {
    next.remove();
    link.setAttribute('aria-expanded', 'false');
    return;
  }
  const address = link.dataset.address ?? '';
  const open = element('a', '', 'Open');
  open.href = address;
  open.target = '_blank';
  open.rel = 'noopener noreferrer nofollow';
  open.referrerPolicy = 'no-referrer';
  const shown = element('span', 'tw-address', element('code', '', address), ' ', open);
  link.after(shown);
  link.setAttribute('aria-expanded', 'true');
  open.focus();
}

/** An address as the browser will read it, so that a name that only looks familiar shows what it is. */
function absolute(address: string): string | null {
  try {
    return new URL(address.trim()).href;
  } catch {
    return null;
  }
}
