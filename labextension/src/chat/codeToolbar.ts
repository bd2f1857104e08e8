import { addAboveIcon, addBelowIcon, LabIcon } from '@jupyterlab/ui-components';

import { Where } from '../notebook/edit';
import { ICellPlace } from '../notebook/open';

const REFRESH = 'tether-refresh';

/** What a code block can do with the notebook. */
export interface IEditor {
  /** The cell that an edit would mean. */
  readonly cell: ICellPlace | null;
  readonly writable: boolean;
  /** Whether something of the cell's source is selected. */
  readonly selects: boolean;
  put(where: Where, cell: ICellPlace | null, source: string, language: string): void;
  copy(source: string): void;
}

interface IAction {
  name: string;
  icon?: LabIcon;
  text?: (cell: number | null) => string;
  label: (cell: number | null) => string;
  needsCell?: boolean;
  needsNotebook?: boolean;
  /** It is not there without one. */
  needsSelection?: boolean;
  run: () => void | Promise<void>;
}

/** A code block with its buttons: one tab stop, arrow keys between them. */
export class CodeToolbar {
  constructor(
    pre: HTMLElement,
    private _editor: IEditor
  ) {
    const source = (pre.textContent ?? '').replace(/\n$/, '');
    const language = languageOf(pre);
    pre.tabIndex = 0;
    pre.setAttribute('role', 'group');
    pre.setAttribute('aria-label', language ? `Code, ${language}` : 'Code');
    this.node.className = 'tether-Code';
    this._bar.className = 'tether-codeBar';
    this._bar.setAttribute('role', 'toolbar');
    this._bar.setAttribute('aria-label', 'What to do with this code');
    const copied = () => {
      this._editor.copy(source);
      this._say('copy', 'Copied');
    };
    this._actions = [
      {
        name: 'insert-above',
        icon: addAboveIcon,
        label: cell => (cell ? `Insert above cell ${cell}` : 'Insert above the first cell'),
        needsNotebook: true,
        run: () => this._editor.put('above', this._cell, source, language)
      },
      {
        name: 'insert-below',
        icon: addBelowIcon,
        label: cell => (cell ? `Insert below cell ${cell}` : 'Insert below the last cell'),
        needsNotebook: true,
        run: () => this._editor.put('below', this._cell, source, language)
      },
      {
        name: 'replace',
        text: cell => (cell ? `Replace cell ${cell}` : 'Replace cell'),
        label: cell => (cell ? `Replace the source of cell ${cell}` : 'Replace cell'),
        needsCell: true,
        needsNotebook: true,
        run: () => this._editor.put('replace', this._cell, source, language)
      },
      {
        name: 'replace-selection',
        text: () => 'Selection',
        label: cell => (cell ? `Replace the selection in cell ${cell}` : 'Replace the selection'),
        needsCell: true,
        needsNotebook: true,
        needsSelection: true,
        run: () => this._editor.put('selection', this._cell, source, language)
      },
      { name: 'copy', text: () => 'Copy', label: () => 'Copy this code', run: copied }
    ];
    this._buttons = this._actions.map((action, i) => this._button(action, i));
    this._bar.append(...this._buttons);
    this._bar.addEventListener('keydown', event => this._move(event));
    this._bar.addEventListener('focusin', event => this._rove(event.target as HTMLElement));
    const refresh = () => this._refresh();
    this.node.addEventListener('pointerenter', refresh);
    this.node.addEventListener('focusin', refresh);
    this._bar.addEventListener(REFRESH, refresh);
    this._refresh();
    // The caller puts this node where the block stood, so the block may be taken into it at once.
    const body = pre.cloneNode(true);
    this.node.append(body, this._bar);
  }

  /** Have the toolbars within `root` name the active cell. By event, so that nothing holds on to a toolbar. */
  static refreshAll(root: HTMLElement): void {
    for (const bar of root.querySelectorAll('.tether-codeBar')) {
      bar.dispatchEvent(new CustomEvent(REFRESH));
    }
  }

  readonly node = document.createElement('div');

  private _button(action: IAction, i: number): HTMLButtonElement {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = `tether-codeButton tether-${action.name}`;
    button.dataset.testid = `tether-${action.name}`;
    button.tabIndex = i === 0 ? 0 : -1;
    if (action.icon) {
      button.append(action.icon.element({ tag: 'span', width: '16px', height: '16px' }));
    }
    button.addEventListener('click', () => {
      if (button.getAttribute('aria-disabled') !== 'true') {
        void action.run();
        this._refresh();
      }
    });
    return button;
  }

  /** Name the cell that is active now; a click means the cell that was named. */
  private _refresh(): void {
    const { cell, writable, selects } = this._editor;
    const cellNumber = cell?.number ?? null;
    this._cell = cell;
    this._actions.forEach((action, i) => {
      const button = this._buttons[i];
      const off = (action.needsNotebook && !writable) || (action.needsCell && cellNumber === null);
      button.hidden = Boolean(action.needsSelection && !selects);
      const label = off
        ? `${action.label(cellNumber)} (no notebook that can be edited)`
        : action.label(cellNumber);
      button.setAttribute('aria-label', label);
      button.title = label;
      // A button that is really disabled drops out of the arrow keys and loses the focus.
      button.setAttribute('aria-disabled', String(Boolean(off)));
      if (action.text && button.dataset.said !== 'true') {
        button.textContent = action.text(cellNumber);
      }
    });
  }

  private _say(name: string, words: string): void {
    const button = this._buttons[this._actions.findIndex(action => action.name === name)];
    button.textContent = words;
    button.dataset.said = 'true';
    window.setTimeout(() => {
      delete button.dataset.said;
      this._refresh();
    }, 1500);
  }

  private _move(event: KeyboardEvent): void {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const shown = this._buttons.filter(each => !each.hidden);
    const at = shown.indexOf(event.target as HTMLButtonElement);
    if (step && at >= 0) {
      event.preventDefault();
      shown[(at + step + shown.length) % shown.length].focus();
    }
  }

  private _rove(focused: HTMLElement): void {
    for (const button of this._buttons) {
      button.tabIndex = button === focused ? 0 : -1;
    }
  }

  private _cell: ICellPlace | null = null;
  private _bar = document.createElement('div');
  private _actions: IAction[];
  private _buttons: HTMLButtonElement[];
}

function languageOf(pre: HTMLElement): string {
  return /(?:^|\s)language-([\w+#.-]+)/.exec(pre.querySelector('code')?.className ?? '')?.[1] ?? '';
}
