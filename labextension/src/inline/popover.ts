import { composing } from '../keys';

/** What can be done in the field under a line. */
export interface IPopoverDoing {
  ask(words: string): void;
  take(): void;
  close(): void;
  keydown(event: KeyboardEvent): void;
  focusin(event: FocusEvent): void;
}

/** How the field shows. */
export interface IPopoverState {
  status: string;
  /** What goes along with a question, and where to. */
  along: string;
  trouble: boolean;
  busy: boolean;
  ready: boolean;
  /** Whether there is something to take. */
  takes: boolean;
}

/** Events that the notebook does not hear of. */
const KEPT = 'keyup mousedown mouseup click dblclick paste copy cut'.split(' ');

let count = 0;

/** The one-line field under the cursor's line, with what is happening below it. */
export class Popover {
  constructor(
    name: string,
    placeholder: string,
    private _doing: IPopoverDoing
  ) {
    const { node } = this;
    node.className = 'tether-InlineFrame';
    // Lab's own keys end here: they mean the cell, and the cursor is not in it.
    node.setAttribute('data-lm-suppress-shortcuts', 'true');
    this._body.className = 'tether-Inline';
    this._body.setAttribute('role', 'group');
    this._body.setAttribute('aria-label', name);
    this._words.className = 'tether-Inline-words';
    this._words.type = 'text';
    this._words.placeholder = placeholder;
    this._words.setAttribute('aria-label', name);
    this._words.autocomplete = 'off';
    this._words.spellcheck = false;
    this._words.dataset.testid = 'tether-inline-words';
    this._along.className = 'tether-Inline-along';
    this._along.id = `tether-inline-along-${++count}`;
    this._along.dataset.testid = 'tether-inline-along';
    for (const described of [this._body, this._words]) {
      described.setAttribute('aria-describedby', this._along.id);
    }
    this._status.className = 'tether-Inline-status tether-dot';
    this._status.dataset.testid = 'tether-inline-status';
    this._ask = button('Ask', 'tether-inline-ask', () => _doing.ask(this.words));
    this._again = button('Try again', 'tether-inline-again', () => _doing.ask(this.words));
    this._take = button('Take', 'tether-inline-take', () => _doing.take());
    this._take.classList.add('tether-mod-accept');
    this._close = button('Close', 'tether-inline-close', () => _doing.close());
    const foot = document.createElement('div');
    foot.className = 'tether-Inline-foot';
    const buttons = document.createElement('div');
    buttons.className = 'tether-Inline-buttons';
    buttons.append(this._take, this._ask, this._again, this._close);
    foot.append(this._status, buttons);
    this._body.append(this._words, this._along, foot);
    node.append(this._body);
    this._words.addEventListener('input', () => this._offer());
    this._body.addEventListener('keydown', event => this._onKey(event));
    node.addEventListener('focusin', event => _doing.focusin(event));
    // The notebook takes what happens in a cell's editor for its own.
    for (const type of KEPT) {
      node.addEventListener(type, event => event.stopPropagation());
    }
  }

  readonly node = document.createElement('div');

  get words(): string {
    return this._words.value.trim();
  }

  set words(words: string) {
    this._words.value = words;
    this._offer();
  }

  get focused(): boolean {
    return this.node.contains(document.activeElement);
  }

  focus(): void {
    this._words.focus({ preventScroll: true });
    this._words.select();
  }

  /** Put the words back into a state where typing replaces them, if they are being looked at. */
  select(): void {
    if (document.activeElement === this._words) {
      this._words.select();
    }
  }

  /** The visible part of a scrolled editor, in px: the field stays in it. */
  set width(width: number) {
    this.node.style.setProperty('--tether-inline-width', `${width}px`);
  }

  show(state: IPopoverState): void {
    const focusWas = document.activeElement;
    this._state = state;
    this._status.textContent = state.status;
    this._along.textContent = state.along;
    this._body.classList.toggle('tether-mod-trouble', state.trouble);
    this._status.classList.toggle('tether-mod-busy', state.busy);
    this._close.textContent = state.busy ? 'Stop' : state.ready ? 'Give back' : 'Close';
    this._take.hidden = !(state.ready && state.takes);
    this._again.hidden = !state.trouble;
    this._offer();
    if (focusWas instanceof HTMLElement && focusWas.hidden && this.node.contains(focusWas)) {
      this._words.focus({ preventScroll: true });
    }
  }

  private _offer(): void {
    const { busy, ready, trouble } = this._state;
    this._ask.hidden = busy || ready || trouble;
    this._ask.disabled = !this.words;
    this._again.disabled = !this.words;
  }

  private _onKey(event: KeyboardEvent): void {
    if (composing(event)) {
      event.stopPropagation();
      return;
    }
    // Its own keys are commands, so that they can be rebound; Lab hears of none of the others.
    this._doing.keydown(event);
    event.stopPropagation();
    if (event.defaultPrevented || event.target !== this._words) {
      return;
    }
    if (event.key === 'Enter' && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      this._doing.ask(this.words);
    }
  }

  private _body = document.createElement('div');
  private _words = document.createElement('input');
  private _along = document.createElement('div');
  private _status = document.createElement('span');
  private _ask: HTMLButtonElement;
  private _again: HTMLButtonElement;
  private _take: HTMLButtonElement;
  private _close: HTMLButtonElement;
  private _state: IPopoverState = {
    status: '',
    along: '',
    trouble: false,
    busy: false,
    ready: false,
    takes: false
  };
}

function button(words: string, testid: string, press: () => void): HTMLButtonElement {
  const made = document.createElement('button');
  made.type = 'button';
  made.className = 'tether-button';
  made.textContent = words;
  made.dataset.testid = testid;
  made.addEventListener('click', press);
  return made;
}
