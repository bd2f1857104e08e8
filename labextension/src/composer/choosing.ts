import { modelId } from '../server/choices';
import { size } from '../server/models';
import type { IHealth } from '../server/request';
import { Level, LEVEL_WORDS, LEVELS } from './commands';
import { Draft } from './draft';
import { short } from './gauge';
import { Lists, nameIn, placeOf } from './lists';
import type { IMenuItem } from './popover';

export type Menu = 'model' | 'preset' | 'see' | 'prompts' | 'more';

export interface IMenu {
  label: string;
  items: IMenuItem[];
  note: string | null;
}

const USUAL = 'usual';
const FOR_ALL = 'for all';

/** The lines of a menu below the field. */
export function menuOf(which: Menu, draft: Draft, lists: Lists, health: IHealth | null): IMenu {
  switch (which) {
    case 'model':
      return {
        label: 'Model',
        items: modelItems(draft, lists, health),
        note: lists.note('models')
      };
    case 'preset':
      return {
        label: 'Preset',
        items: [
          { key: USUAL, label: 'The usual', checked: !draft.options.preset },
          ...lists.presets.map(each => ({
            key: `preset ${each.name}`,
            label: each.name,
            detail: each.active ? 'in use everywhere' : '',
            checked: draft.options.preset === each.name
          }))
        ],
        note: lists.presets.length
          ? null
          : (lists.note('presets') ??
            'There are no presets yet. A preset keeps a model, a temperature and instructions under a name.')
      };
    case 'see':
      return {
        label: 'How much of the data may be seen',
        items: [
          {
            key: USUAL,
            label: 'The usual',
            detail: 'As the server is set',
            checked: !draft.options.see?.level
          },
          ...LEVELS.map(each => ({
            key: each,
            label: each,
            detail: LEVEL_WORDS[each],
            checked: draft.options.see?.level === each
          }))
        ],
        note: 'The server may allow less. What leaves can be looked at before it does.'
      };
    case 'prompts':
      return {
        label: 'Prompts',
        items: lists.prompts.map(each => ({
          key: each.id,
          label: each.title,
          detail: each.prompt
        })),
        note: lists.prompts.length ? null : (lists.note('prompts') ?? 'There are no prompts.')
      };
    case 'more':
      return {
        label: 'More',
        items: [
          { key: 'attach', label: 'Attach a file' },
          { key: 'prompts', label: 'Prompts' },
          { key: 'preset', label: 'Preset', detail: draft.options.preset ?? 'The usual' },
          {
            key: 'see',
            label: 'How much may be seen',
            detail: draft.options.see?.level ?? 'The usual'
          },
          { key: 'all', label: 'What leaves this machine', apart: true }
        ],
        note: null
      };
  }
}

/** Do what a line of the menu says. What opens something else is the caller's. */
export function choose(which: Menu, key: string, draft: Draft, lists: Lists): Promise<void> {
  if (which === 'model' && key === FOR_ALL) {
    const model = draft.options.model;
    return model
      ? lists.useForAll(model).then(() => draft.choose({ model: undefined }))
      : Promise.resolve();
  }
  if (which === 'model') {
    draft.choose({ model: key === USUAL ? undefined : key });
  } else if (which === 'preset') {
    draft.choose({ preset: key === USUAL ? undefined : key.replace(/^preset /, '') });
  } else if (which === 'see') {
    seeAt(draft, key === USUAL ? undefined : (key as Level));
  } else if (which === 'prompts') {
    const prompt = lists.prompts.find(each => each.id === key)?.prompt ?? '';
    draft.words = [draft.words.trimEnd(), prompt].filter(Boolean).join('\n');
  }
  return Promise.resolve();
}

export function seeAt(draft: Draft, level: Level | undefined): void {
  const see = { ...draft.options.see };
  delete see.level;
  const next = level ? { ...see, level } : see;
  draft.choose({ see: Object.keys(next).length ? next : undefined });
}

function modelItems(draft: Draft, lists: Lists, health: IHealth | null): IMenuItem[] {
  const chosen = draft.options.model;
  const usual = lists.inForce(undefined, health);
  const items: IMenuItem[] = [
    {
      key: USUAL,
      label: `The usual: ${usual?.name ?? 'as the server is set'}`,
      detail: usual?.place ?? '',
      checked: !chosen
    },
    ...lists.models.map(each => ({
      key: modelId(each),
      label: each.name,
      detail: [
        placeOf(each),
        each.size ? size(each.size) : null,
        each.context_length ? `${short(each.context_length)} context` : null,
        each.loaded ? 'loaded' : null,
        each.problem
      ]
        .filter(Boolean)
        .join(' · '),
      checked: chosen === modelId(each)
    }))
  ];
  if (chosen) {
    items.push({
      key: FOR_ALL,
      label: `Use ${nameIn(chosen, health)} wherever nothing else is chosen`,
      apart: true
    });
  }
  return items;
}
