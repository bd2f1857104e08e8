import { Widget } from '@lumino/widgets';

import { spoken, IStatus } from './statusWords';

/** The item in the status bar: one button. It is plain DOM, as it is there from the start. */
export class StatusItem extends Widget {
  constructor(private _open: (button: HTMLElement) => void) {
    super();
    this.addClass('tether-statusItem');
    this._button.type = 'button';
    this._button.dataset.testid = 'tether-status-item';
    this._button.setAttribute('aria-haspopup', 'dialog');
    this._button.setAttribute('aria-expanded', 'false');
    this._button.addEventListener('click', () => this._open(this._button));
    this.node.append(this._button);
  }

  set expanded(open: boolean) {
    this._button.setAttribute('aria-expanded', String(open));
  }

  tell(status: IStatus): void {
    const words = spoken(status);
    // A screen reader need not hear the same again.
    if (this._button.textContent !== status.line) {
      this._button.textContent = status.line;
    }
    if (this._button.title !== words) {
      this._button.title = words;
      this._button.setAttribute('aria-label', words);
    }
    this._button.dataset.state = status.state;
  }

  focus(): void {
    this._button.focus();
  }

  private _button = document.createElement('button');
}
