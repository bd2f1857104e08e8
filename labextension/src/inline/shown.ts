import { EditorState, Extension, StateEffect, StateField } from '@codemirror/state';
import { Decoration, DecorationSet, EditorView, WidgetType } from '@codemirror/view';

import type { IHunk } from './lines';
import type { IPicture, IRegion } from './region';

/** What an editor shows of an edit: its field under a line, and the changed lines. */
export interface IShown {
  popover: HTMLElement;
  /** A place in the line that the field is under. */
  at: number;
  region: IRegion;
  picture: IPicture;
  /** The text was edited while this is shown. */
  edited: () => void;
}

interface IState {
  shown: IShown;
  decorations: DecorationSet;
}

const put = StateEffect.define<IShown | null>();

const field = StateField.define<IState | null>({
  create: () => null,
  update(value, transaction) {
    for (const effect of transaction.effects) {
      if (effect.is(put)) {
        return (
          effect.value && {
            shown: effect.value,
            decorations: drawn(transaction.state, effect.value)
          }
        );
      }
    }
    if (!value || !transaction.docChanged) {
      return value;
    }
    const { changes } = transaction;
    const { at, region } = value.shown;
    return {
      shown: {
        ...value.shown,
        at: changes.mapPos(at),
        region: { from: changes.mapPos(region.from, -1), to: changes.mapPos(region.to, 1) }
      },
      decorations: value.decorations.map(changes)
    };
  },
  provide: own => EditorView.decorations.from(own, value => value?.decorations ?? Decoration.none)
});

const listening = EditorView.updateListener.of(update => {
  if (update.docChanged) {
    update.state.field(field, false)?.shown.edited();
  }
});

const extension: Extension = [field, listening];

/** Show an edit in an editor; null takes it away. The text itself stays as it is. */
export function show(view: EditorView, shown: IShown | null): void {
  const effects: StateEffect<unknown>[] = [put.of(shown)];
  if (view.state.field(field, false) === undefined) {
    view.dispatch({ effects: StateEffect.appendConfig.of(extension) });
  }
  view.dispatch({ effects });
}

/** What an editor shows now, its places moved along with the text. */
export function shownIn(view: EditorView): IShown | null {
  return view.state.field(field, false)?.shown ?? null;
}

const removed = Decoration.line({ class: 'tether-Diff-removed' });

function drawn(state: EditorState, { popover, at, picture }: IShown): DecorationSet {
  const { doc } = state;
  const ranges = [
    Decoration.widget({ widget: new Popover(popover), block: true, side: 1 }).range(
      doc.lineAt(Math.min(at, doc.length)).to
    )
  ];
  for (const { from, to, lines } of picture.hunks) {
    const last = Math.min(picture.first + to, doc.lines);
    for (let n = picture.first + from + 1; n <= last; n++) {
      ranges.push(removed.range(doc.line(n).from));
    }
    if (lines.length) {
      // Below the lines that they replace; before the first line of all there is nothing to be below.
      const above = last > 0;
      ranges.push(
        Decoration.widget({ widget: new Added(lines), block: true, side: above ? 2 : -1 }).range(
          above ? doc.line(last).to : 0
        )
      );
    }
  }
  return Decoration.set(ranges, true);
}

class Popover extends WidgetType {
  constructor(private _node: HTMLElement) {
    super();
  }

  eq(other: Popover): boolean {
    return other._node === this._node;
  }

  toDOM(): HTMLElement {
    return this._node;
  }

  get estimatedHeight(): number {
    return this._node.offsetHeight || 88;
  }

  /** Typing in it is none of the editor's business. */
  ignoreEvent(): boolean {
    return true;
  }
}

class Added extends WidgetType {
  constructor(private _lines: IHunk['lines']) {
    super();
  }

  eq(other: Added): boolean {
    const { _lines: lines } = this;
    return (
      other._lines.length === lines.length && other._lines.every((line, n) => line === lines[n])
    );
  }

  toDOM(): HTMLElement {
    const node = document.createElement('div');
    node.className = 'tether-Diff-added';
    node.setAttribute('role', 'group');
    node.setAttribute('aria-label', 'Proposed lines');
    this.updateDOM(node);
    return node;
  }

  /** Lines that are there already are left alone, so that a long proposal does not cost its square. */
  updateDOM(node: HTMLElement): boolean {
    if (!node.classList.contains('tether-Diff-added')) {
      return false;
    }
    this._lines.forEach((text, n) => {
      const line = (node.children[n] as HTMLElement | undefined) ?? addLine(node);
      if (line.textContent !== text) {
        line.textContent = text;
      }
    });
    while (node.children.length > this._lines.length) {
      node.lastChild!.remove();
    }
    return true;
  }

  get lineBreaks(): number {
    return 0;
  }

  ignoreEvent(): boolean {
    return false;
  }
}

function addLine(node: HTMLElement): HTMLElement {
  const line = document.createElement('div');
  line.className = 'tether-Diff-line';
  node.append(line);
  return line;
}
