import { Question } from './answer';
import type { Said } from './shown';
import type { Thread } from './thread';
import { spoken } from './words';

const LIT = 'tether-mod-lit';

/** Put the focus on a message that was gone to, and light it for a moment. */
export function arrive(element: HTMLElement): void {
  element.tabIndex = -1;
  element.focus({ preventScroll: true });
  element.classList.remove(LIT);
  // Lit a second time, it has to be seen again.
  void element.offsetWidth;
  element.classList.add(LIT);
  const onEnd = (event: AnimationEvent) => {
    if (event.target === element) {
      element.classList.remove(LIT);
      element.removeEventListener('animationend', onEnd);
    }
  };
  element.addEventListener('animationend', onEnd);
}

/** What a screen reader says of it. */
export function arrivedWords(thread: Thread, said: Said): string {
  const at = thread.said.indexOf(said);
  if (at < 0) {
    return '';
  }
  const [who, words] =
    said instanceof Question ? ['Your question', said.words] : ['The answer', said.text];
  return `Message ${at + 1} of ${thread.said.length}. ${who}: ${spoken(words, 300)}`;
}
