import type { ISettingRegistry } from '@jupyterlab/settingregistry';

/** When code is completed: see the schema, which says it to people. */
export type When = 'local' | 'always' | 'asked' | 'never';

export interface IGhostSettings {
  when: When;
  /** Milliseconds after the last key. */
  debounce: number;
  lines: boolean;
  maxTokens: number;
  prose: boolean;
  wake: boolean;
}

export const DEFAULTS: IGhostSettings = {
  when: 'local',
  // Chosen by benchmarks/ghost.py: see its results in benchmarks/README.md.
  debounce: 120,
  lines: true,
  maxTokens: 64,
  prose: false,
  wake: false
};

/** The settings in force; each name of the schema is that of the field. */
export function read(settings: ISettingRegistry.ISettings | null): IGhostSettings {
  const found = { ...DEFAULTS };
  for (const name of Object.keys(DEFAULTS)) {
    const value = settings?.get(name).composite;
    if (value !== undefined && value !== null) {
      Object.assign(found, { [name]: value });
    }
  }
  return found;
}
