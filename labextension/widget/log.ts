import { copyCode } from './copy';
import { button, element } from './dom';
import { toggleAddress } from './links';
import { RowView } from './row';
import { IRow } from './state';

/** This near to its end, a text that grows is followed, px. */
const NEAR = 32;

/** What was said, kept at its end while its reader is there. */
export class Log {
  constructor(
    height: number,
    private _again: (row: IRow) => void
  ) {
    const { list } = this;
    list.tabIndex = 0;
    list.setAttribute('role', 'log');
    // An answer is read out when it is whole, not by the token.
    list.setAttribute('aria-live', 'off');
    list.setAttribute('aria-label', 'Conversation');
    list.style.maxHeight = `${height}px`;
    list.append(this._pending);
    list.addEventListener('scroll', () => {
      this._pinned = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR;
      this._toEnd.hidden = this._pinned;
    });
    list.addEventListener('click', event => clicked(event));
    this._toEnd.hidden = true;
    this.node = element('div', 'tw-transcript', list, this._toEnd);
  }

  readonly node: HTMLElement;
  /** What scrolls. */
  readonly list = element('div', 'tw-log');

  dispose(): void {
    this._views.forEach(view => view.dispose());
  }

  show(rows: readonly IRow[]): void {
    const there = new Set(rows.map(row => row.id));
    for (const [id, view] of this._views) {
      if (!there.has(id)) {
        view.dispose();
        view.node.remove();
        this._views.delete(id);
      }
    }
    let before: Element | null = null;
    for (const row of rows) {
      let view = this._views.get(row.id);
      if (view) {
        view.update(row);
      } else {
        view = new RowView(row, { again: this._again, drawn: this.follow });
        this._views.set(row.id, view);
      }
      if (view.node.previousElementSibling !== before || !view.node.parentNode) {
        if (before) {
          before.after(view.node);
        } else {
          this.list.prepend(view.node);
        }
      }
      before = view.node;
    }
  }

  update(row: IRow): void {
    this._views.get(row.id)?.update(row);
  }

  /** Show which question is being edited. */
  edit(id: string | null): void {
    this._views.forEach((view, key) => view.node.classList.toggle('tw-mod-editing', key === id));
  }

  /** Show a question that the kernel has not heard, or none, after all that was said. */
  wait(text: string | null): void {
    this._pending.hidden = text === null;
    if (text !== null) {
      this._pending.textContent = text;
      if (this.list.lastChild !== this._pending) {
        this.list.append(this._pending);
      }
    }
    this.list.hidden = !this._views.size && text === null;
  }

  /** Stay at the end from now on. */
  pin(): void {
    this._pinned = true;
  }

  /** Where its reader is; null at the end. */
  get top(): number | null {
    return this._pinned ? null : this.list.scrollTop;
  }

  set top(top: number | null) {
    this._pinned = top === null;
    if (top !== null) {
      requestAnimationFrame(() => (this.list.scrollTop = top));
    }
  }

  /** Keep to the end of what is being written, if that is where the reader is. */
  follow = (): void => {
    const { list } = this;
    if (this._pinned) {
      list.scrollTop = list.scrollHeight;
    }
    const below = list.scrollHeight - list.scrollTop - list.clientHeight;
    this._toEnd.hidden = this._pinned || below < NEAR;
  };

  private _views = new Map<string, RowView>();
  private _pending = element('div', 'tw-question tw-mod-waiting');
  private _toEnd = button('To the end ↓', 'tw-toEnd', () => {
    this._pinned = true;
    this.follow();
    this.list.focus();
  });
  private _pinned = true;
}

function clicked(event: Event): void {
  const target = (event.target as Element).closest<HTMLButtonElement>('button');
  if (target?.classList.contains('tw-link')) {
    toggleAddress(target);
  } else if (target?.classList.contains('tw-copy')) {
    void copyCode(target);
  }
}
