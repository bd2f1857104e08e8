import { HERE, held, isToldOf, shortened, size } from '../server/models';
import type { IHealth } from '../server/request';
import type { ILook } from './healthWatch';

export type State =
  | 'off'
  | 'offline'
  | 'unknown'
  | 'problem'
  | 'elsewhere'
  | 'loading'
  | 'asleep'
  | 'writing'
  | 'waiting'
  | 'ready';

/** What the status bar shows, what a screen reader hears, and the figures behind it. */
export interface IStatus {
  state: State;
  /** The model's name, short. */
  model: string;
  words: string;
  /** All of it in one line: `qwen3-4b · writing 41/s · 2.61 GB`. */
  line: string;
  figures: [string, string][];
  /** Why it cannot answer. */
  problem: string | null;
  /** Bytes that can be given back. */
  memory: number;
}

const NAME = 24;

/** Put what is known into words. */
export function statusOf(look: ILook, on: boolean): IStatus {
  const { health, offline } = look;
  if (!on) {
    return plain('off', '', 'Tether is off');
  }
  if (offline) {
    return plain('offline', '', 'Tether: offline', 'Jupyter does not answer.');
  }
  if (!health) {
    return plain('unknown', '', 'Tether');
  }
  const other = otherModel(look.chosen, health);
  if (other) {
    return elsewhere(other, health);
  }
  const model = cut(health.demo ? 'demo model' : health.model || 'no model');
  const { state, words } = stateOf(health);
  const memory = held(health.llm_service?.engine);
  const line = [model, words, memory ? size(memory) : null].filter(Boolean).join(' · ');
  return {
    state,
    model,
    words,
    line,
    figures: [['Model', health.model], ['Runs on', health.place], ...engineFigures(health)],
    problem: health.problem,
    memory
  };
}

/** What the line says to whoever cannot see it. */
export function spoken(status: IStatus): string {
  const stem = status.line.startsWith('Tether') ? status.line : `Tether: ${status.line}`;
  return status.problem ? `${stem}. ${status.problem}` : stem;
}

/** Another model is chosen than the one that health tells of: one of another backend, or one that is not loaded. */
function elsewhere(chosen: string, health: IHealth): IStatus {
  const name = chosen.startsWith(`${health.backend}:`)
    ? chosen.slice(health.backend.length + 1)
    : chosen;
  const { engine, ready } = health.llm_service ?? {};
  // A question loads it in place of the one that is there.
  const asleep = Boolean(engine) && name !== chosen;
  const words = asleep ? 'asleep' : '';
  const figures: [string, string][] = [['Model', name]];
  return {
    state: asleep ? 'asleep' : 'elsewhere',
    model: cut(name),
    words,
    line: [cut(name), words].filter(Boolean).join(' · '),
    figures: asleep && ready ? [...figures, ['Loaded now', health.model]] : figures,
    problem: null,
    memory: held(engine)
  };
}

/** The chosen model, where it is another than the one that health tells of. */
function otherModel(chosen: string | null, health: IHealth): string | null {
  return isToldOf(chosen, health) ? null : chosen;
}

function stateOf(health: IHealth): { state: State; words: string } {
  const service = health.llm_service;
  const engine = service?.engine;
  if (health.problem) {
    return { state: 'problem', words: 'cannot answer' };
  }
  if (!service?.ready && engine?.progress !== undefined && engine.progress < 1) {
    return { state: 'loading', words: `loading ${Math.floor(engine.progress * 100)} %` };
  }
  if (engine && !service?.ready) {
    return { state: 'asleep', words: 'asleep' };
  }
  const waiting = engine?.waiting ?? 0;
  if (waiting) {
    return { state: 'waiting', words: `${waiting} waiting` };
  }
  if (engine?.running) {
    const speed = Math.round(engine.tokens_per_s ?? 0);
    return { state: 'writing', words: speed ? `writing ${speed}/s` : 'writing' };
  }
  return service?.ready === false
    ? { state: 'asleep', words: 'not ready' }
    : { state: 'ready', words: 'ready' };
}

function engineFigures({ llm_service: service, gpu }: IHealth): [string, string][] {
  const engine = service?.engine;
  if (!engine) {
    return [];
  }
  const rows: [string, string | null][] = [
    ['Speed', perSecond(engine.tokens_per_s)],
    ['Reading', perSecond(engine.prompt_tokens_per_s)],
    ['Slots in use', engine.slots ? `${engine.running ?? 0} of ${engine.slots}` : null],
    ['Queue', engine.waiting === undefined ? null : queue(engine.waiting)],
    ['Memory of the weights', bytes(engine.weight_bytes)],
    ['Memory of the conversations', bytes(engine.kv_bytes)],
    ['Put aside', bytes(engine.parked_bytes)],
    ['Its process in all', bytes(engine.resident_bytes)],
    ['On the GPU', gpu?.layers ? `${gpu.layers_on_gpu ?? 0} of ${gpu.layers} layers` : null]
  ];
  return rows.filter((row): row is [string, string] => row[1] !== null);
}

function perSecond(value: number | null | undefined): string | null {
  return value ? `${Math.round(value)} tokens a second` : null;
}

function bytes(value: number | undefined): string | null {
  return value ? size(value) : null;
}

function queue(waiting: number): string {
  return waiting === 0 ? 'nobody waits' : `${waiting} waiting`;
}

function plain(state: State, model: string, line: string, problem: string | null = null): IStatus {
  return { state, model, words: '', line, figures: [], problem, memory: 0 };
}

function cut(name: string): string {
  return name.length > NAME ? `${shortened(name).slice(0, NAME - 1)}…` : name;
}

/** Whether what answers runs where its memory can be given back. */
export function canFree(look: ILook, status: IStatus): boolean {
  return status.memory > 0 && look.health?.place === HERE;
}
