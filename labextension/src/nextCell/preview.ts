import { Signal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';

/** What somebody does with a proposal. */
export type Choice = 'accept' | 'dismiss' | 'never';

export interface IKeys {
  accept: string;
  dismiss: string;
}

/** The proposed cell: dashed and quiet, under the cell that ran, and no part of the document. */
export class Preview extends Widget {
  constructor(keys: IKeys) {
    super();
    this.addClass('tether-NextCell');
    this.node.dataset.testid = 'tether-nextCell';
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', 'Proposed next cell');
    // The notebook's own keys, Enter among them, would be taken from the buttons.
    this.node.dataset.lmSuppressShortcuts = 'true';

    this._words = element('p', 'tether-NextCell-words');
    this._words.setAttribute('role', 'status');
    this._pre = element('pre', 'tether-NextCell-code');
    this._pre.hidden = true;
    this._pre.tabIndex = 0;
    this._pre.setAttribute('aria-label', 'Proposed code');
    this._code = element('code', '');
    this._pre.append(this._code);
    const buttons = element('div', 'tether-NextCell-buttons');
    this._accept = this._button('Accept', 'accept', keys.accept);
    this._accept.classList.add('tether-mod-accept');
    this._accept.hidden = true;
    buttons.append(
      this._accept,
      this._button('Dismiss', 'dismiss', keys.dismiss),
      this._button("Don't ask again", 'never', '')
    );
    this.node.append(this._words, this._pre, buttons);
    this.node.addEventListener('keydown', event => {
      if (event.key === 'Escape') {
        event.stopPropagation();
        this.chosen.emit('dismiss');
      }
    });
    for (const type of ['mousedown', 'pointerdown', 'dblclick']) {
      // The notebook would begin to drag the cell, or give it the focus.
      this.node.addEventListener(type, event => event.stopPropagation());
    }
  }

  readonly chosen = new Signal<this, Choice>(this);

  get code(): string {
    return this._text;
  }

  /** Where finished code is coloured. */
  get codeNode(): HTMLElement {
    return this._code;
  }

  say(words: string): void {
    if (this._words.textContent !== words) {
      this._words.textContent = words;
    }
  }

  write(code: string): void {
    if (this._text !== code) {
      this._text = code;
      this._pre.hidden = !code;
      this._code.textContent = code;
    }
  }

  /** It is complete, and can be accepted. */
  offer(): void {
    this._accept.hidden = false;
  }

  get offered(): boolean {
    return !this._accept.hidden;
  }

  private _button(label: string, choice: Choice, keys: string): HTMLButtonElement {
    const button = element('button', 'tether-button');
    button.type = 'button';
    button.textContent = label;
    button.title = keys ? `${label} (${keys})` : 'Turns proposed cells off, in the settings';
    button.addEventListener('click', () => this.chosen.emit(choice));
    return button;
  }

  private _text = '';
  private _words: HTMLElement;
  private _pre: HTMLElement;
  private _code: HTMLElement;
  private _accept: HTMLButtonElement;
}

function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  name: string
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (name) {
    made.className = name;
  }
  return made;
}
