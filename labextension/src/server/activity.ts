import { Signal } from '@lumino/signaling';

/** How many answers this page waits for or reads, so that the figures are looked at while they change. */
class Activity {
  readonly changed = new Signal<this, void>(this);

  get busy(): boolean {
    return this._count > 0;
  }

  /** Say that an answer begins; call what is returned when it has ended. */
  begin(): () => void {
    this._count++;
    this.changed.emit();
    let over = false;
    return () => {
      if (!over) {
        over = true;
        this._count--;
        this.changed.emit();
      }
    };
  }

  /** Say that something asks besides: a cell, which the server answers without this page. */
  stir(): void {
    this.changed.emit();
  }

  private _count = 0;
}

export const activity = new Activity();
