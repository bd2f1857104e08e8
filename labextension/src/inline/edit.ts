import type { EditorView } from '@codemirror/view';
import { Cell, MarkdownCell } from '@jupyterlab/cells';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import { IRestored, restored } from '../notebook/masked';
import { Along, goesAlong } from './along';
import type { IClosed, IEditHost } from './host';
import { GONE, IKept, READ_ANEW } from './kept';
import { linesChanged } from './lines';
import { Popover } from './popover';
import { Proposal } from './proposal';
import {
  carried,
  change,
  fitting,
  IPicture,
  IRegion,
  IReplacement,
  picture,
  selected
} from './region';
import { show, shownIn } from './shown';
import { editable, sourceOf, Subject, viewOf } from './subject';
import { happening, lostBy, proposed } from './words';

/** Between two drawings while a proposal streams in: ms, and at least so many times what one takes. */
const DRAWN_MS = 40;
const COST = 5;
const CHANGING = 'tether-mod-changing';
const NOTHING: IPicture = { first: 0, hunks: [] };

/** A change of one cell, from the first words to its being taken or given back. The cell is known by its id. */
export class InlineEdit {
  constructor(
    readonly panel: NotebookPanel,
    cell: Cell,
    private _host: IEditHost
  ) {
    this._subject = new Subject(panel, cell);
    this._proposal = new Proposal(_host.server, this._subject.kind === 'markdown');
    this._going = new Along(_host.preview, () => this._draw());
    const view = viewOf(cell);
    const source = (this._source = sourceOf(cell));
    const main = view?.state.selection.main;
    this._at = main?.head ?? 0;
    this._selects = Boolean(main && !main.empty && source.slice(main.from, main.to).trim());
    this._region =
      main && this._selects ? selected(source, main.from, main.to) : { from: 0, to: source.length };
    const part = this._selects ? 'the selection of ' : '';
    this._popover = new Popover(
      `What to change in ${part}cell ${this.number}`,
      !source.trim()
        ? 'What should this cell do?'
        : this._selects
          ? 'What should change in the selection?'
          : 'What should change?',
      {
        ask: words => this.ask(words),
        take: () => void this.take(),
        close: () => this.close(),
        keydown: event => _host.keydown(event),
        focusin: event => this._subject.onFocus(event)
      }
    );
    this._proposal.changed.connect(this._later, this);
    this._clock = setInterval(() => this._showState(), 1000);
    panel.content.model?.cells.changed.connect(this._onCells, this);
    panel.disposed.connect(this.close, this);
    this._attach(cell);
    // A question without words goes where any other does.
    void this._going.look(this._subject.question('…', [], null, this._selection));
  }

  get cellId(): string {
    return this._subject.id;
  }

  /** It is over; `kept` holds a proposal whose cell has been deleted, or is another one. */
  get closed(): ISignal<this, IClosed> {
    return this._closed;
  }

  /** The number of its cell, counted from 1. */
  get number(): number {
    return this._subject.number;
  }

  get focused(): boolean {
    return this._popover.focused;
  }

  /** Words to begin with, selected. */
  prefill(words: string): void {
    this._popover.words = words;
  }

  /** Put the cursor into the field, once there is an editor that shows it. */
  focus(): void {
    this._awaited = !this._view;
    this._popover.focus();
  }

  /** Ask for a proposal, or for another one that refines what is proposed. */
  ask(words: string): void {
    const cell = this._cell;
    if (!words || !cell) {
      return;
    }
    const held = this._proposal.replacement;
    const last = this._asked[this._asked.length - 1];
    if (held?.whole && words !== last) {
      this._base = held.text;
    } else {
      // Asked again, or otherwise: it takes the place of what was asked last.
      this._asked.pop();
    }
    const before = [...this._asked];
    this._asked.push(words);
    this._edited = false;
    this._said = this._trouble = '';
    const question = this._subject.question(words, before, this._base, this._selection);
    void this._going.look(question);
    void this._proposal.ask(question);
  }

  /** Change the cell as proposed, in one step that one undo takes back. */
  take(): boolean {
    this._trouble = '';
    const cell = this._cell;
    const view = this._view;
    const shown = view && shownIn(view);
    // A cell that was put in anew may have another source than the view that it had.
    if (!cell || !view || !shown || viewOf(cell) !== view) {
      return false;
    }
    const source = view.state.doc.toString();
    const held = this._held(source, shown.region);
    if (this._proposal.phase !== 'ready' || !held) {
      this._host.say(happening(this._proposal.phase, 0) || 'Nothing is proposed yet.');
      return false;
    }
    if (!editable(this.panel, cell)) {
      this._trouble = 'This cell cannot be changed now. Copy what you need, or give it back.';
      this._showState();
      return false;
    }
    if (held.loses) {
      this._host.say(lostBy(held));
      return false;
    }
    const made = change(source, shown.region, fitting(source, shown.region, held));
    const focused = this._popover.focused;
    this._end(null);
    if (made) {
      this._subject.write(made, source);
    }
    if (focused) {
      cell.editor?.focus();
    }
    this._host.say('Taken. Undo takes it back.');
    return true;
  }

  /** Stop, and leave the cell as it was. */
  close(): void {
    const focused = this._popover.focused;
    const editor = this._cell?.editor;
    if (this._end(null)) {
      this._host.say('Given back.');
      if (focused) {
        editor?.focus();
      }
    }
  }

  private get _cell(): Cell | null {
    return this._subject.cell;
  }

  /** What is to change, moved along with the text. */
  private get _place(): IRegion {
    return (this._view && shownIn(this._view)?.region) ?? this._region;
  }

  /** The source that this is a change of. */
  private get _last(): string {
    return this._view?.state.doc.toString() ?? this._source;
  }

  private get _selection(): IRegion | null {
    return this._selects ? this._place : null;
  }

  /** Show the field in the cell's editor; a cell that was moved has a new one. */
  private _attach(cell: Cell): void {
    if (cell instanceof MarkdownCell) {
      cell.rendered = false;
    }
    const attach = () => {
      const view = viewOf(cell);
      if (this._over || !view || view === this._view || this._cell !== cell) {
        return;
      }
      const now = view.state.doc.toString();
      const region = carried(this._last, now, this._place, this._selects);
      if (!region) {
        return this._leave(READ_ANEW);
      }
      this._edited ||= now !== this._last && this._proposal.phase !== 'idle';
      this._region = region;
      this._view = view;
      cell.addClass(CHANGING);
      this._sizes.disconnect();
      this._sizes.observe(view.scrollDOM);
      this._draw();
      if (this._awaited) {
        this.focus();
      }
    };
    attach();
    if (!this._view || this._view !== viewOf(cell)) {
      void cell.ready.then(attach);
      cell.inViewportChanged.connect(attach);
    }
  }

  private _onCells(): void {
    // A cell that moves is taken out and put in again.
    queueMicrotask(() => {
      if (this._over) {
        return;
      }
      const cell = this._cell;
      if (!cell) {
        this._leave(GONE);
      } else if (viewOf(cell) !== this._view) {
        this._attach(cell);
      }
    });
  }

  /** End, and keep what is proposed for a source that is no longer there. */
  private _leave(why: string): void {
    const held = this._held(this._last, this._place);
    this._end(held && { source: held.text, kind: this._subject.kind, why });
  }

  /** Draw at once what ends a wait; what streams in as often as leaves the page most of its time. */
  private _later(): void {
    if (this._proposal.phase !== 'writing') {
      this._draw();
    } else {
      this._soon(Math.max(DRAWN_MS, this._cost * COST));
    }
  }

  private _soon(delay: number): void {
    this._timer ??= setTimeout(() => this._draw(), delay);
  }

  private _draw(): void {
    clearTimeout(this._timer);
    this._timer = undefined;
    const view = this._view;
    if (this._over || !view) {
      return;
    }
    const began = performance.now();
    const before = shownIn(view);
    const source = view.state.doc.toString();
    const region = before?.region ?? this._region;
    const held = this._held(source, region);
    const drawn = held
      ? picture(source, region, { ...held, text: fitting(source, region, held) })
      : NOTHING;
    this._changed = linesChanged(drawn.hunks);
    this._masks = held?.left.length ?? 0;
    this._lost = held?.whole && held.loses ? lostBy(held) : '';
    const focused = this._popover.focused;
    show(view, {
      popover: this._popover.node,
      at: before?.at ?? Math.min(this._at, source.length),
      region,
      picture: drawn,
      edited: () => this._onEdited()
    });
    if (focused && !this._popover.focused) {
      this._popover.focus();
    }
    this._showState();
    this._cost = performance.now() - began;
  }

  private _onEdited(): void {
    this._edited = this._proposal.phase !== 'idle';
    // The editor is in the middle of its update.
    this._soon(0);
  }

  private _showState(): void {
    const { phase, position, since, problem } = this._proposal;
    const keys = this._host.keys();
    const ready = phase === 'ready';
    const trouble = this._trouble || (phase === 'failed' ? problem : ready ? this._lost : '');
    const status =
      trouble ||
      (ready
        ? proposed(this._changed, keys, this._edited, this._masks)
        : happening(phase, (Date.now() - since) / 1000, position) ||
          `Enter asks${keys.cancel ? `, ${keys.cancel} closes` : ''}.`);
    this._popover.show({
      status,
      along: goesAlong(this._subject.sent, this.number, this._going.to, this._going.leftOut),
      trouble: Boolean(trouble),
      busy: !ready && phase !== 'idle' && phase !== 'failed',
      ready,
      // What forbade it last may be over, which only trying tells.
      takes: this._changed > 0 && (!trouble || trouble === this._trouble)
    });
    // By the sentence: a wait that counts seconds is told once.
    const spoken = status.replace(/, \d+ s$/, '');
    if (phase !== 'idle' && spoken !== this._said) {
      this._said = spoken;
      this._host.say(spoken);
      if (ready) {
        this._popover.select();
      }
    }
  }

  /** What is proposed, with the secrets put back that were masked in the question. */
  private _held(source: string, region: IRegion): (IReplacement & IRestored) | null {
    const held = this._proposal.replacement;
    if (!held) {
      return null;
    }
    const old = source.slice(region.from, region.to);
    const { text, whole } = held;
    const made = this._going.masked
      ? restored(text, old, whole, source)
      : { text, left: [], loses: false };
    return { ...made, whole };
  }

  private _end(kept: IKept | null): boolean {
    if (this._over) {
      return false;
    }
    this._over = true;
    clearInterval(this._clock);
    clearTimeout(this._timer);
    this._sizes.disconnect();
    this._proposal.changed.disconnect(this._later, this);
    this._proposal.stop();
    this._going.stop();
    this._cell?.removeClass(CHANGING);
    if (this._view) {
      show(this._view, null);
    }
    this._closed.emit({ kept, words: this._popover.words });
    Signal.clearData(this);
    return true;
  }

  private _subject: Subject;
  private _proposal: Proposal;
  private _popover: Popover;
  private _view: EditorView | null = null;
  /** Where the field and the change are, until an editor shows them. */
  private _at: number;
  private _region: IRegion;
  /** The cell's source, until an editor shows it. */
  private _source: string;
  private _selects: boolean;
  /** What was asked, each refining the one before. */
  private _asked: string[] = [];
  /** The proposal that the last of them refines. */
  private _base: string | null = null;
  private _going: Along;
  /** Masks that stay in what is proposed. */
  private _masks = 0;
  /** Why it cannot be taken: a secret would be gone. */
  private _lost = '';
  private _edited = false;
  private _changed = 0;
  /** Why it was not taken, until something else is tried. */
  private _trouble = '';
  private _said = '';
  private _over = false;
  private _awaited = false;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  /** What drawing took the last time, ms. */
  private _cost = 0;
  private _clock: ReturnType<typeof setInterval>;
  private _sizes = new ResizeObserver(([entry]) => {
    this._popover.width = entry.contentRect.width;
  });
  private _closed = new Signal<this, IClosed>(this);
}
