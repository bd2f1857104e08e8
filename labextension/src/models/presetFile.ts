import type { IPresetFile } from '../server/clients';
import { TurnError } from '../server/problems';

/** More presets than a server takes at once, so that a wrong file is refused before it travels. */
const MOST = 100;

/** Read a file of presets. What is in it is checked by the server; this says why a file is none. */
export function fileOf(text: string): IPresetFile {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    throw wrong('That file is no JSON.');
  }
  const presets = (read as { presets?: unknown } | null)?.presets;
  const right =
    Array.isArray(presets) &&
    presets.every(
      each =>
        typeof each?.name === 'string' &&
        each.name &&
        typeof each.values === 'object' &&
        each.values
    );
  if (!right || !presets.length) {
    throw wrong('That file holds no presets.');
  }
  if (presets.length > MOST) {
    throw wrong(`That file holds ${presets.length} presets, and ${MOST} can be taken in at once.`);
  }
  return {
    presets: presets.map(({ name, values }) => ({ name, values }))
  };
}

/** A name that nobody has yet: the wanted one, or the wanted one with a number. */
export function freeName(wanted: string, taken: readonly string[]): string {
  let name = wanted;
  for (let n = 2; taken.includes(name); n++) {
    name = `${wanted} (${n})`;
  }
  return name;
}

function wrong(message: string): TurnError {
  return new TurnError({
    type: 'invalid_request',
    message: `${message} Nothing was changed.`,
    retryable: false,
    hint: 'Choose a file that was written by Export.'
  });
}
