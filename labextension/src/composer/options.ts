import type { IAskOptions, ISee } from '../server/request';
import { LEVELS } from './commands';

/** What a conversation is asked with until something else is chosen. All else belongs to one question. */
export interface IChosen extends Pick<IAskOptions, 'model' | 'preset'> {
  see?: Pick<ISee, 'level'>;
}

/** Of options, those that hold in a conversation. */
export function chosenOf({ model, preset, see }: IAskOptions): IChosen {
  return merged({}, { model, preset, see: { level: see?.level } });
}

/** Of options, those that belong to one question: what it looks at must not go with the next one. */
export function ownOf(options: IAskOptions): IAskOptions {
  const see = { ...options.see, level: undefined };
  return merged({}, { ...options, model: undefined, preset: undefined, see });
}

/** Options, and over them others that say more. */
export function merged(under: IAskOptions, over: IAskOptions): IAskOptions {
  const see = { ...under.see, ...without(over.see ?? {}) };
  const some = Object.keys(see).length > 0;
  return without({ ...under, ...without(over), see: some ? see : undefined });
}

/** Read what was kept of a conversation's options; what is not known is none. */
export function chosenFrom(found: unknown): IChosen {
  const { model, preset, see } = (found ?? {}) as Record<string, unknown>;
  const said = (see as ISee | null | undefined)?.level;
  return chosenOf({
    model: typeof model === 'string' ? model : undefined,
    preset: typeof preset === 'string' ? preset : undefined,
    see: { level: LEVELS.find(each => each === said) }
  });
}

function without<T extends object>(options: T): T {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined)
  ) as T;
}
