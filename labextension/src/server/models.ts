import type { IHealth } from './request';

/** What a model's engine tells of itself; what it does not know is left out. */
export interface IEngine {
  /** How far the model is loaded, from 0 to 1; there while a process runs it or is about to. */
  progress?: number;
  /** Answers that it can write at once. */
  slots?: number;
  running?: number;
  waiting?: number;
  /** Conversations that it still remembers. */
  conversations?: number;
  weight_bytes?: number;
  kv_bytes?: number;
  kv_tokens?: number;
  parked_bytes?: number;
  /** All that its process holds; mapped files are part of it. */
  resident_bytes?: number;
  tokens_per_s?: number | null;
  prompt_tokens_per_s?: number | null;
}

/** A model that can answer, or that could be fetched. */
export interface IModelState {
  name: string;
  backend: string;
  /** `this machine`, or the host that answers. */
  place: string;
  installed: boolean;
  loaded: boolean;
  /** Whether the server answers with it where nobody says otherwise. */
  active: boolean;
  engine: IEngine | null;
  /** Bytes of its files, and of the memory that it takes; `approximate` where both are of the list. */
  size?: number | null;
  memory?: number | null;
  approximate?: boolean;
  quantization?: string | null;
  context_length?: number | null;
  architecture?: string | null;
  /** Whether it takes pictures; null where nobody knows. */
  vision?: boolean | null;
  license?: string | null;
  repo?: string | null;
  purpose?: string | null;
  /** Bytes that a pull which was broken off has left. */
  partial?: number | null;
  problem?: string | null;
}

/** How far a model is loaded; `progress` is from 0 to 1. */
export interface ILoad {
  name: string;
  progress: number;
}

export const HERE = 'this machine';
const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB'];

/** Whether a setting names the model that health tells of; one that names none means that model. */
export function isToldOf(id: string | null, { backend, model }: IHealth): boolean {
  return [null, '', backend, model, `${backend}:${model}`].includes(id);
}

/** Whether a model takes memory that Tether can give back. */
export function takesMemory(model: IModelState): boolean {
  // An API's server keeps its model whatever we do, on this machine as elsewhere.
  return model.loaded && model.place === HERE && model.backend !== 'openai';
}

/** How many answers end when these models are unloaded. */
export function underWay(models: IModelState[]): number {
  const count = (engine: IEngine | null) => (engine?.running ?? 0) + (engine?.waiting ?? 0);
  return models.reduce((sum, each) => sum + count(each.engine), 0);
}

/** Bytes of memory that an engine holds: the weights, and all that it remembers. */
export function held(engine: IEngine | null | undefined): number {
  const { weight_bytes = 0, kv_bytes = 0, parked_bytes = 0 } = engine ?? {};
  return weight_bytes + kv_bytes + parked_bytes;
}

/** What unloading meant, from the models as they were before. Short enough for a notification. */
export function gaveBack(models: IModelState[], health: IHealth | null): string {
  const freed = models.reduce((sum, { engine }) => sum + held(engine), 0);
  const one = models.length === 1;
  const names = one ? shortened(models[0].name) : `${models.length} models`;
  // Health tells of the usual backend alone.
  const gpu =
    one && models[0].backend === health?.backend && onGpu(health) ? 'GPU memory' : 'memory';
  const amount = freed ? ` and gave back about ${size(freed)} of ${gpu}` : '';
  return one
    ? `${names} is unloaded${amount}. The next question loads it again.`
    : `${names} are unloaded${amount}. They load again when asked.`;
}

/** How far the model of a question is loaded; null when it is, or when nothing has to be. */
export function loadOf(health: IHealth): ILoad | null {
  const service = health.llm_service;
  if (!service?.engine || service.ready) {
    return null;
  }
  const name = health.demo ? 'the demo model' : health.model || 'the model';
  return { name, progress: service.engine.progress ?? 0 };
}

/** The same for a model of another backend than the usual one. */
export function loadIn(models: readonly IModelState[], id: string): ILoad | null {
  const found = models.find(each => `${each.backend}:${each.name}` === id && !each.loaded);
  const progress = found?.engine?.progress;
  return found && progress !== undefined ? { name: found.name, progress } : null;
}

/** A number of bytes in decimal units: `4.68 GB`. */
export function size(count: number): string {
  let value = count;
  let unit = 0;
  // 999.5 and more would be rounded to four digits.
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

function onGpu(health: IHealth): boolean {
  const { layers, layers_on_gpu: there } = health.gpu ?? {};
  return Boolean(layers && there && there >= layers);
}

export function shortened(name: string): string {
  return name.length > 48 ? `${name.slice(0, 47)}…` : name;
}
