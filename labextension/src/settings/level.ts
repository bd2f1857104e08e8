import type { ISee } from '../server/request';

export type Level = NonNullable<ISee['level']>;

const LEVELS: readonly string[] = ['off', 'schema', 'samples', 'values'];

/** What the setting asks for: null for what the server is set to. */
export function levelOf(value: unknown): Level | null {
  return typeof value === 'string' && LEVELS.includes(value) ? (value as Level) : null;
}

/** What the server has to be told, from what it has; undefined where it knows. */
export function toTell(kept: ISee | undefined, wanted: Level | null): ISee | null | undefined {
  if ((kept?.level ?? null) === wanted) {
    return undefined;
  }
  const told: ISee = { ...kept };
  delete told.level;
  if (wanted === null) {
    return Object.keys(told).length ? told : null;
  }
  return { ...told, level: wanted };
}
