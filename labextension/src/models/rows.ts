import { HERE, IModelState, shortened, size } from '../server/models';

/** Where a model stands on the page. */
export type Group = 'here' | 'fetch' | 'services';

export const GROUPS: readonly [Group, string][] = [
  ['here', 'On this machine'],
  ['services', 'Services'],
  ['fetch', 'Can be fetched']
];

/** What somebody is doing with a model right now. */
export type Doing = 'loading' | 'unloading' | 'removing';

/** More models than this need a filter. */
export const MANY = 12;

/** Whether somebody else's server runs it: nothing of it is loaded or removed from here. */
export function isService(model: IModelState): boolean {
  return model.backend === 'openai' || model.place !== HERE;
}

export function groupOf(model: IModelState): Group {
  if (isService(model)) {
    return 'services';
  }
  return model.installed ? 'here' : 'fetch';
}

/** In an order that stays while they are loaded and let go; what cannot be used comes last. */
export function ordered(group: Group, models: IModelState[]): IModelState[] {
  if (group === 'fetch') {
    return models;
  }
  const rank = (model: IModelState) => (model.problem ? 1 : 0);
  return [...models].sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
}

/** What `models/load` and the setting `model` call it. */
export function address(model: IModelState): string {
  // A backend of one's own is named `module:Class`, of which only the usual one answers to a bare name.
  return model.backend.includes(':') ? model.name : `${model.backend}:${model.name}`;
}

/** Whether this is the model that a setting names; without a setting, the one that the server uses. */
export function isChosen(model: IModelState, chosen: string | null): boolean {
  if (!chosen || chosen === model.backend) {
    return chosen ? model.active || model.loaded : model.active;
  }
  return (
    chosen === address(model) ||
    chosen === `${model.backend}:${model.name}` ||
    (chosen === model.name && (model.active || !isService(model)))
  );
}

/** Whether loading it alone helps: one that does not answer would only take the other's place. */
export function canLoad(model: IModelState, chosen: IModelState | null): boolean {
  const alone = !chosen || chosen === model || chosen.backend !== model.backend;
  return model.installed && !model.loaded && !isService(model) && !model.problem && alone;
}

export function canRemove(model: IModelState): boolean {
  if (isService(model) || model.loaded) {
    return false;
  }
  // Only of files in the models folder does the list say what memory they would take, or why they cannot.
  const there = model.memory || (model.size && model.problem);
  return model.installed ? Boolean(there) : Boolean(model.partial);
}

/** What to ask the server for to go on with a pull; null where nobody knows where it came from. */
export function resumeText(model: IModelState): string | null {
  if (model.purpose) {
    return model.name;
  }
  return model.repo ? `${model.repo}:${model.name}.gguf` : null;
}

/** The figures of a model, in the order in which people choose by them. */
export function figures(model: IModelState): string[] {
  const about = model.approximate ? 'about ' : '';
  const found: (string | number | null | undefined)[] = [
    model.size && `${about}${size(model.size)}`,
    model.memory && `takes ${about}${size(model.memory)} of memory`,
    model.quantization,
    model.context_length && `${tokens(model.context_length)} of context`,
    model.architecture,
    model.license,
    model.place
  ];
  return found.filter((each): each is string => typeof each === 'string' && each !== '');
}

/** A window's size: `4,096 tokens`, and `128k tokens` where it is a large one. */
export function tokens(count: number): string {
  if (count >= 10_000) {
    const unit = count % 1024 === 0 ? 1024 : 1000;
    return `${Math.round(count / unit)}k tokens`;
  }
  return `${count.toLocaleString('en')} tokens`;
}

/** What a model is doing, in words; nothing where it simply lies there. */
export function stateWords(model: IModelState, doing: Doing | undefined, chosen: boolean): string {
  const { engine } = model;
  if (doing === 'removing') {
    return 'Removing…';
  }
  if (doing === 'unloading') {
    return 'Giving back its memory…';
  }
  if (doing === 'loading' || (!model.loaded && loadsNow(model))) {
    return `Loading, ${percent(engine?.progress ?? 0)}`;
  }
  if (model.loaded && !isService(model)) {
    const running = engine?.running ?? 0;
    const waiting = engine?.waiting ?? 0;
    const speed = engine?.tokens_per_s
      ? `, ${Math.round(engine.tokens_per_s)} tokens a second`
      : '';
    const line = waiting ? `, ${waiting} waiting` : '';
    return running ? `Loaded, writing${speed}${line}` : 'Loaded';
  }
  if (!model.installed && model.partial) {
    const of = model.size ? ` of ${size(model.size)}` : '';
    return `${size(model.partial)}${of} is here already`;
  }
  if (!chosen || isService(model)) {
    return '';
  }
  return model.installed
    ? 'Not loaded: the next question loads it'
    : 'Not on this machine: fetch it before you ask';
}

/** Whether a process is up that has not loaded it yet. */
export function loadsNow(model: IModelState): boolean {
  return model.engine?.progress !== undefined && model.engine.progress < 1;
}

export function percent(share: number): string {
  return `${Math.floor(Math.min(1, Math.max(0, share)) * 100)} %`;
}

/** The models that hold each word of a filter, in a name, a purpose, a licence or any other figure. */
export function matching(models: IModelState[], filter: string): IModelState[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  return models.filter(model => {
    const text = [model.name, model.repo, model.purpose, model.backend, ...figures(model)];
    const all = text.filter(Boolean).join(' ').toLowerCase();
    return words.every(word => all.includes(word));
  });
}

/** What the dialog says before a model's files go for good. */
export function removalWords(model: IModelState): { title: string; body: string } {
  const name = shortened(model.name);
  if (!model.installed) {
    return {
      title: `Remove what came of ${name}?`,
      body: `${size(model.partial ?? 0)} are deleted from the disk. A pull then begins anew.`
    };
  }
  const back =
    model.purpose || model.repo ? 'It can be fetched again.' : 'Nobody else may have it.';
  return {
    title: `Remove ${name}?`,
    body: `Its files are deleted from the disk for good: ${size(model.size ?? 0)}. ${back}`
  };
}
