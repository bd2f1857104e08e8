import type { NotebookPanel } from '@jupyterlab/notebook';

import { IEdit, putSource } from '../notebook/edit';
import type { CellKind } from './question';

/** A proposal that no longer has a place in its cell. */
export interface IKept {
  source: string;
  kind: CellKind;
  /** What has become of the cell. */
  why: string;
}

export const GONE = 'The cell is gone';
export const READ_ANEW = 'The cell was read from the disk anew, without what was selected';

/** What is told of a proposal that is kept. */
export function keptWords({ why }: IKept): string {
  return `${why}; what was proposed for it is kept.`;
}

/** Put it into a cell of its own, of the kind that it was written for. */
export function putKept(panel: NotebookPanel, { source, kind }: IKept): IEdit | null {
  return panel.isDisposed
    ? null
    : putSource(panel, 'below', panel.content.activeCell?.model.id ?? null, source, kind);
}
