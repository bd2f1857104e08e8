import { AnswerText } from './answer';
import { button, element } from './dom';
import type { IRow } from './state';

const INTERRUPTED = 'Interrupted: the server ended before the answer did.';

/** What a row's buttons do. */
export interface IActions {
  again(row: IRow): void;
  drawn(): void;
}

/** A question or an answer on screen. */
export class RowView {
  readonly node: HTMLElement;

  constructor(
    row: IRow,
    private _actions: IActions
  ) {
    this.node = element('div', row.role === 'user' ? 'tw-question' : 'tw-answer');
    this.node.dataset.row = row.id;
    if (row.role === 'user') {
      this.node.setAttribute('aria-label', 'You');
      this.node.setAttribute('role', 'group');
    } else {
      this.node.setAttribute('aria-label', 'Answer');
      this.node.setAttribute('role', 'group');
      this._text = new AnswerText();
      this.node.append(this._text.node, this._below);
    }
    this.update(row);
  }

  update(row: IRow): void {
    if (!this._text) {
      if (this.node.textContent !== row.text) {
        this.node.textContent = row.text;
      }
      return;
    }
    const over = row.state !== 'writing';
    if (row.text !== this._shown || over !== this._over) {
      this._shown = row.text;
      this._over = over;
      this._text.show(row.text, over, this._actions.drawn);
    }
    this.node.dataset.state = row.state;
    const told = JSON.stringify([row.state, row.line, row.problem]);
    if (told !== this._told) {
      this._told = told;
      this._below.replaceChildren(...this._under(row, over));
      this._actions.drawn();
    }
  }

  dispose(): void {
    this._text?.dispose();
  }

  private _under(row: IRow, over: boolean): HTMLElement[] {
    const parts: HTMLElement[] = [];
    if (!over) {
      return parts;
    }
    const again = () => button('Try again', 'tw-again tw-live', () => this._actions.again(row));
    if (row.problem) {
      const failure = element('div', 'tw-failure', element('p', '', row.problem.message));
      if (row.problem.hint) {
        failure.append(element('p', 'tw-quiet', row.problem.hint));
      }
      failure.append(again());
      parts.push(failure);
    } else if (row.state === 'interrupted') {
      parts.push(element('div', 'tw-failure', element('p', '', INTERRUPTED), again()));
    }
    if (row.line) {
      parts.push(element('div', 'tw-line', row.line));
    }
    return parts;
  }

  private _text: AnswerText | null = null;
  private _below = element('div', 'tw-below');
  private _told = '';
  private _shown: string | null = null;
  private _over = false;
}
