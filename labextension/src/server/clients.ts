import { Signal } from '@lumino/signaling';

import type { ISee, TetherServer } from './request';
import { sent } from './sent';

/** What a model is asked with where a question does not say. What is left out is not set here. */
export interface ILlm {
  model?: string;
  system?: string;
  temperature?: number;
  max_tokens?: number;
  top_p?: number;
  see?: ISee;
}

/** Null resets a value. */
export type LlmChange = { [name in keyof ILlm]?: ILlm[name] | null };

/** A value in force and where it comes from: `preset`, `client settings`, or a layer of the server's. */
export interface IInForce {
  value: unknown;
  layer: string;
}

export type InForce = Record<string, IInForce>;

export interface IPreset {
  name: string;
  values: Record<string, unknown>;
  active: boolean;
}

export interface IPresets {
  presets: IPreset[];
  active: string | null;
}

/** What `Export` writes and `Import` reads. */
export interface IPresetFile {
  presets: { name: string; values: Record<string, unknown> }[];
}

/** The layers that belong to the sidebar; the others are the server's. */
export const OWN_LAYERS: readonly string[] = ['preset', 'client settings'];

/** This page has changed what the sidebar asks with, and perhaps which model: whatever shows that looks again. */
export const settingsChanged = new Signal<object, void>({});

/** The sidebar and all that belongs to it ask as this front end. */
const LLM = 'clients/lab/llm';
const PRESETS = 'clients/lab/presets';

export async function ownSettings(server: TetherServer): Promise<ILlm> {
  return server.json(LLM);
}

export async function inForce(server: TetherServer): Promise<InForce> {
  return server.json(`${LLM}?effective=true`);
}

export async function change(server: TetherServer, values: LlmChange): Promise<ILlm> {
  return told(server.json(LLM, sent('PATCH', values)));
}

export async function presets(server: TetherServer): Promise<IPresets> {
  return server.json(PRESETS);
}

export async function createPreset(
  server: TetherServer,
  name: string,
  values: Record<string, unknown>
): Promise<void> {
  await server.json(PRESETS, sent('POST', { name, values }));
}

export async function renamePreset(
  server: TetherServer,
  preset: IPreset,
  name: string
): Promise<void> {
  await server.json(of(preset.name), sent('PUT', { name, values: preset.values }));
}

export async function deletePreset(server: TetherServer, name: string): Promise<void> {
  await told(server.json(of(name), { method: 'DELETE' }));
}

/** Copy a preset's values into the settings. */
export async function applyPreset(server: TetherServer, name: string): Promise<void> {
  await told(server.json(`${of(name)}/apply`, sent('POST', {})));
}

/** Lay a preset over the settings, or take it off. */
export async function activatePreset(
  server: TetherServer,
  name: string,
  active: boolean
): Promise<void> {
  const how = active ? sent('POST', {}) : { method: 'DELETE' };
  await told(server.json(`${of(name)}/set-active`, how));
}

export async function importPresets(
  server: TetherServer,
  file: IPresetFile,
  replace: boolean
): Promise<IPresets> {
  const body = { presets: file.presets, replace };
  return told(server.json<IPresets>(`${PRESETS}/import`, sent('POST', body)));
}

async function told<T>(changing: Promise<T>): Promise<T> {
  const found = await changing;
  settingsChanged.emit();
  return found;
}

function of(name: string): string {
  return `${PRESETS}/${encodeURIComponent(name)}`;
}
