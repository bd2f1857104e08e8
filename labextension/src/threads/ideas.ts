import type { ICodeCellModel } from '@jupyterlab/cells';
import type { NotebookPanel } from '@jupyterlab/notebook';

import { ISuggestion, suggestions } from '../notebook/read';
import type { IAskOptions, TetherServer } from '../server/request';
import { biggestFrame, IShown } from './frames';

/** Something that can be asked with one click. */
export interface IIdea extends ISuggestion {
  options?: IAskOptions;
}

const MOST = 3;

/** A cell's output is looked through up to here: a table says how large it is at its end or its beginning. */
const LOOKED_AT = 200_000;

/**
 * Three things to ask: the notebook's last error, its biggest table, its next step; else what people have noted.
 * The demo model reads no code: it is asked what it knows.
 */
export function ideas(panel: NotebookPanel | null, prompts: IIdea[], demo = false): IIdea[] {
  const found = suggestions(panel);
  const ofNotebook = found.filter(each => each.context.length);
  const failed = ofNotebook.filter(each => each.context[0].kind === 'error');
  // The next step before the explanation of what was just written.
  const others = ofNotebook.filter(each => !failed.includes(each)).reverse();
  const anywhere = found.filter(each => !each.context.length);
  if (demo) {
    return [...failed, ...table(panel), ...anywhere].slice(0, MOST);
  }
  // What comes with Tether speaks of a cell, so it makes sense only where there is one that has run.
  const noted = ofNotebook.length ? prompts : [];
  return [...failed, ...table(panel), ...others, ...noted, ...anywhere].slice(0, MOST);
}

/** The prompts that the server keeps. Without them there are the page's own. */
export async function ownPrompts(server: TetherServer): Promise<IIdea[]> {
  try {
    const reply = await server.json<{ suggestions: { title: string; prompt: string }[] }>(
      'suggestions'
    );
    return reply.suggestions.map(({ title, prompt }) => ({
      label: title,
      question: prompt,
      context: []
    }));
  } catch {
    return [];
  }
}

function table(panel: NotebookPanel | null): IIdea[] {
  const frame = biggestFrame(shown(panel));
  if (!frame) {
    return [];
  }
  const size = `${frame.rows.toLocaleString()} × ${frame.columns.toLocaleString()}`;
  return [
    {
      label: `Look into ${frame.name}, ${size}`,
      question: `What is in \`${frame.name}\`, and what stands out in it?`,
      context: [],
      options: { see: { names: [frame.name] } }
    }
  ];
}

function shown(panel: NotebookPanel | null): IShown[] {
  const cells = panel?.content.model?.cells;
  return [...Array(cells?.length ?? 0).keys()].map(index => {
    const cell = cells!.get(index);
    const source = cell.sharedModel.getSource();
    if (cell.type !== 'code' || !(cell as ICodeCellModel).executionCount) {
      return { source: '', html: '', text: '' };
    }
    const { outputs } = cell as ICodeCellModel;
    const last: { [name: string]: unknown } = outputs.length
      ? outputs.get(outputs.length - 1).toJSON()
      : {};
    const data = (last.data ?? {}) as { [type: string]: unknown };
    return {
      source,
      html: words(data['text/html']),
      text: words(data['text/plain'] ?? last.text)
    };
  });
}

function words(value: unknown): string {
  const text = Array.isArray(value) ? value.join('') : typeof value === 'string' ? value : '';
  return text.length > LOOKED_AT ? text.slice(0, LOOKED_AT / 2) + text.slice(-LOOKED_AT / 2) : text;
}
