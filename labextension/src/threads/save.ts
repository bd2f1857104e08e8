import type { TetherServer } from '../server/request';
import { exportThread, Format } from '../server/transfer';

/** Download a conversation as a file, of its branches the one that is shown: the newest where none is. */
export async function saveThread(
  server: TetherServer,
  id: string,
  format: Format,
  said: readonly { id: string | null }[]
): Promise<void> {
  const known = said.map(each => each.id).filter(each => each !== null);
  const file = await exportThread(server, id, format, known[known.length - 1] ?? null);
  saveAs(file.name, file.content);
}

/** Give the browser a file to keep in its downloads. */
function saveAs(name: string, content: Blob): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  // Some browsers read it only after the click has ended.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** Let a person choose a file; nothing happens if none is chosen. */
export function chooseFile(accept: string, chosen: (file: File) => void): void {
  const input = document.createElement('input');
  input.type = 'file';
  input.accept = accept;
  input.hidden = true;
  input.setAttribute('data-testid', 'tether-importFile');
  input.addEventListener('change', () => {
    const file = input.files?.[0];
    if (file) {
      chosen(file);
    }
    input.remove();
  });
  input.addEventListener('cancel', () => input.remove());
  document.body.append(input);
  input.click();
}
