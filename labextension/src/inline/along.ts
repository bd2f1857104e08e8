import type { NotebookPanel } from '@jupyterlab/notebook';

import type { IPreview } from '../server/preview';
import type { IQuestion } from '../server/request';
import type { INeighbour } from './question';

/** Tells what a question would send, and where to. */
export type Preview = (question: IQuestion, signal: AbortSignal) => Promise<IPreview>;

/** Cells before and after the one that changes which go with a question. */
const BEFORE = 4;
const AFTER = 1;

/** What goes along with a question, as its server tells it. */
export class Along {
  constructor(
    private _preview: Preview,
    private _changed: () => void
  ) {}

  /** Where questions go; null while that is not known. */
  get to(): IPreview['to'] | null {
    return this._to;
  }

  /** Whether anything of the last question was masked: until that is known, it may have been. */
  get masked(): boolean {
    return this._masked;
  }

  /** The numbers of the cells that the last question has no room for. */
  get leftOut(): readonly number[] {
    return this._leftOut;
  }

  async look(question: IQuestion): Promise<void> {
    this.stop();
    const looking = (this._looking = new AbortController());
    this._masked = true;
    // A server that cannot tell cannot be asked either, which is said then.
    const found = await this._preview(question, looking.signal).catch(() => null);
    if (!looking.signal.aborted) {
      this._to = found?.to ?? null;
      this._masked = !found || found.masked.length > 0;
      this._leftOut = (found?.left_out ?? []).flatMap(({ kind, name }) => {
        const cell = kind === 'cell' && /^cell (\d+)$/.exec(name);
        return cell ? [Number(cell[1])] : [];
      });
      this._changed();
    }
  }

  stop(): void {
    this._looking?.abort();
  }

  private _looking: AbortController | null = null;
  private _to: IPreview['to'] | null = null;
  private _masked = true;
  private _leftOut: readonly number[] = [];
}

/** The cells around one of a notebook. */
export function neighboursOf({ content }: NotebookPanel, number: number): INeighbour[] {
  const { widgets } = content;
  const first = Math.max(0, number - 1 - BEFORE);
  return widgets
    .slice(first, number + AFTER)
    .map((each, n) => ({ number: first + n + 1, source: each.model.sharedModel.getSource() }))
    .filter(each => each.number !== number);
}

/** What goes along with the words, and where to: null while that is not known. */
export function goesAlong(
  numbers: number[],
  own: number,
  to: { place: string; leaves: boolean } | null,
  leftOut: readonly number[] = []
): string {
  const inOrder = [...numbers].sort((a, b) => a - b);
  const cells = inOrder.filter(each => !leftOut.includes(each));
  const left = inOrder.filter(each => leftOut.includes(each));
  const what = !cells.length
    ? 'With nothing of the notebook'
    : cells.length > 1
      ? `With cells ${listed(cells)}`
      : cells[0] === own
        ? 'With this cell'
        : `With cell ${cells[0]}`;
  const where = to && (to.leaves ? `to ${to.place}` : 'stays on this machine');
  const without = left.length ? `no room for ${listed(left)}` : '';
  return [what, without, where].filter(Boolean).join(' · ');
}

/** Numbers in order, three and more that follow each other as a range: `2 to 4 and 6`. */
function listed(numbers: number[]): string {
  const runs: number[][] = [];
  for (const number of numbers) {
    const run = runs[runs.length - 1];
    if (run && run[run.length - 1] === number - 1) {
      run.push(number);
    } else {
      runs.push([number]);
    }
  }
  const parts = runs.flatMap(run =>
    run.length > 2 ? [`${run[0]} to ${run[run.length - 1]}`] : run.map(String)
  );
  const last = parts.pop()!;
  return parts.length ? `${parts.join(', ')} and ${last}` : last;
}
