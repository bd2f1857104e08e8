import { OWN_LAYERS } from './clients';
import type { IModelState } from './models';
import { JSON_BODY, TetherServer } from './request';

/** A model as the list tells it, with what helps to choose one. */
export interface IModelChoice extends IModelState {
  size: number | null;
  context_length: number | null;
  problem: string | null;
}

export interface IPreset {
  name: string;
  active: boolean;
}

const LAB = 'clients/lab';

/** The models that can be asked now. */
export async function modelChoices(
  server: TetherServer
): Promise<{ models: IModelChoice[]; problem: string | null }> {
  const found = await server.json<{ models: IModelChoice[]; problem: string | null }>('models');
  return {
    ...found,
    models: found.models.filter(each => each.installed || each.active || each.loaded)
  };
}

/** How a model is named in a request. */
export function modelId(model: IModelState): string {
  return `${model.backend}:${model.name}`;
}

/** The presets of this front end. */
export async function presets(server: TetherServer): Promise<IPreset[]> {
  return (await server.json<{ presets: IPreset[] }>(`${LAB}/presets`)).presets;
}

/** Ask this model wherever a conversation does not say; the other settings stay as they are. */
export async function useForAll(server: TetherServer, model: string | null): Promise<void> {
  await server.json(`${LAB}/llm`, {
    method: 'PATCH',
    headers: JSON_BODY,
    body: JSON.stringify({ model })
  });
}

export interface IUsualModel {
  value: string | null;
  /** Whether the sidebar's own settings say so, and not the server's. */
  own: boolean;
}

/** The model that this front end asks where a conversation does not say. */
export async function usualModel(server: TetherServer): Promise<IUsualModel> {
  const { model } = await server.json<{ model?: { value: string | null; layer?: string } }>(
    `${LAB}/llm?effective=true`
  );
  return { value: model?.value ?? null, own: OWN_LAYERS.includes(model?.layer ?? '') };
}

/** The same, whichever setting says so. */
export async function effectiveModel(server: TetherServer): Promise<string | null> {
  return (await usualModel(server)).value;
}
