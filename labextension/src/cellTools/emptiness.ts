import type { ISignal } from '@lumino/signaling';

/** What of a cell's shared model has to be known here. */
interface ISource {
  getSource(): string;
  readonly changed: ISignal<unknown, { sourceChange?: unknown }>;
}

/** Follows one cell at a time, and tells when it becomes empty or is so no more. */
export class Emptiness {
  constructor(private _tell: () => void) {}

  /** Look at another cell, or at none. */
  follow(source: ISource | null): void {
    this._source?.changed.disconnect(this._onChange, this);
    this._source = source;
    this._empty = isEmpty(source);
    source?.changed.connect(this._onChange, this);
  }

  private _onChange(_: unknown, change: { sourceChange?: unknown }): void {
    if (!change.sourceChange) {
      return;
    }
    const empty = isEmpty(this._source);
    if (empty !== this._empty) {
      this._empty = empty;
      this._tell();
    }
  }

  /** Not the cell itself, which forgets its model when it is deleted. */
  private _source: ISource | null = null;
  private _empty = true;
}

/** White space is nothing to ask about; most cells begin with something else. */
function isEmpty(source: ISource | null): boolean {
  return !/\S/.test(source?.getSource() ?? '');
}
