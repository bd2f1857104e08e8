import { element } from './dom';

/** Copy the code that a Copy button stands above, and say on the button what came of it. */
export async function copyCode(target: HTMLButtonElement): Promise<void> {
  const code = target.closest('.tw-code')?.querySelector('code')?.textContent ?? '';
  let done = true;
  try {
    await navigator.clipboard.writeText(code);
  } catch {
    // A page without a secure address has no clipboard: the old way still works there.
    done = copyBySelection(code);
  }
  target.textContent = done ? 'Copied' : 'Not copied';
  setTimeout(() => (target.textContent = 'Copy'), 2000);
}

function copyBySelection(code: string): boolean {
  const box = element('textarea', 'tw-spoken');
  const before = document.activeElement as HTMLElement | null;
  box.value = code;
  document.body.append(box);
  box.select();
  const done = document.execCommand('copy');
  box.remove();
  before?.focus();
  return done;
}
