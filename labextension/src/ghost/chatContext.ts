import { trimmed } from '../notebook/text';
import type { IContext } from '../server/request';
import type { ICellText } from './around';

/** Cells that go with a completion by a model that only chats, the nearest ones. */
const CELLS = 6;
const CHARACTERS = 1500;

/** The cells before the cursor's as pieces of context, which the server masks. */
export function contextOf(cells: readonly ICellText[]): IContext[] {
  const found: IContext[] = [];
  cells.forEach(({ type, source }, at) => {
    if (type === 'code' && source.trim()) {
      const text = trimmed(source, 'start', CHARACTERS);
      found.push({ kind: 'cell', name: `cell ${at + 1}`, text });
    }
  });
  // Nobody chose them: where there is no room for all, the farthest are left out first.
  return found.slice(-CELLS).map((each, at, all) => ({ ...each, optional: all.length - at }));
}
