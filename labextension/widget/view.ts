import { phaseWords, spoken } from '../src/chat/words';
import { copyCode } from './copy';
import { button, element } from './dom';
import { toggleAddress } from './links';
import { Picker } from './picker';
import { RowView } from './row';
import { Conversation, IChoices, IListener, IModel, IRow } from './state';

/** After so long without an answer, the kernel is busy, ms. */
const BUSY_MS = 600;
/** After so long without a sign, nobody is expected to answer, ms. */
const NOBODY_MS = 1500;
const GONE_MS = 20_000;
/** This near to its end, a text that grows is followed, px. */
const NEAR = 32;
const MOST_LINES = 8;
/** How long what was looked at holds, ms. */
const LOOK_MS = 3000;

const BUSY = 'The kernel is busy; your question waits.';
const STILL_BUSY =
  'The kernel has not answered yet; your question waits. If it has ended, run the cell again.';
const SAVED = 'Saved conversation. Run the cell to go on with it.';

/** What is kept of a view that is drawn anew: front ends do that when a cell's output changes. */
interface IKept {
  draft: string;
  top: number | null;
}
const kept = new Map<string, IKept>();

/** The chat in one place of a page. */
export class ChatView implements IListener {
  constructor(
    private _model: IModel,
    readonly node: HTMLElement
  ) {
    this._talk = new Conversation(_model, this);
    this._picker = new Picker(this._talk);
    this._build();
    this._restore();
    this.rows();
    this.facts();
    this.live();
    this._nobody = setTimeout(() => this._settle(), NOBODY_MS);
    this._settle();
  }

  dispose(): void {
    this._keep();
    this._talk.dispose();
    clearInterval(this._clock);
    clearTimeout(this._nobody);
    clearTimeout(this._waits);
    this._views.forEach(view => view.dispose());
    this._sizes.disconnect();
  }

  // -- what the conversation tells

  rows(): void {
    const there = new Set(this._talk.rows.map(row => row.id));
    for (const [id, view] of this._views) {
      if (!there.has(id)) {
        view.dispose();
        view.node.remove();
        this._views.delete(id);
      }
    }
    let before: Element | null = null;
    for (const row of this._talk.rows) {
      let view = this._views.get(row.id);
      if (view) {
        view.update(row);
      } else {
        view = new RowView(row, { again: this._again, drawn: this._follow });
        this._views.set(row.id, view);
      }
      if (view.node.previousElementSibling !== before || !view.node.parentNode) {
        if (before) {
          before.after(view.node);
        } else {
          this._log.prepend(view.node);
        }
      }
      before = view.node;
    }
    this._settle();
    this._follow();
  }

  row(row: IRow): void {
    this._views.get(row.id)?.update(row);
  }

  ended(row: IRow): void {
    const how = row.state === 'stopped' ? 'Stopped. ' : '';
    this._say(row.problem ? row.problem.message : how + spoken(row.text));
    if (!document.activeElement?.closest('.tether-widget')) {
      this._talk.send({ kind: 'left' });
    }
  }

  live(): void {
    clearInterval(this._clock);
    const { live } = this._talk;
    if (live) {
      this._note = '';
      this._clock = setInterval(() => this._tick(), 1000);
      this._say(this._words(0));
    }
    this._settle();
    this._tick();
  }

  facts(): void {
    const { notice, problem } = this._talk.facts;
    this._picker.show();
    this._notice.hidden = !problem && (!notice || this._noticed);
    this._notice.classList.toggle('tw-mod-problem', Boolean(problem));
    if (problem) {
      const parts = [element('p', '', problem.message)];
      if (problem.hint) {
        parts.push(element('p', 'tw-quiet', problem.hint));
      }
      const look = button('Look again', 'tw-live', () => this._talk.send({ kind: 'look' }));
      this._notice.replaceChildren(...parts, look);
    } else if (notice) {
      const close = button('✕', 'tw-icon tw-live', () => {
        this._noticed = true;
        this.facts();
        this._box.focus();
      });
      close.setAttribute('aria-label', 'Put this notice away');
      close.title = 'Put this notice away';
      this._notice.replaceChildren(element('p', '', notice), close);
    }
  }

  choices(choices: IChoices): void {
    this._picker.fill(choices);
  }

  refused(text: string, why: string): void {
    if (text && !this._box.value.trim()) {
      this._fill(text);
    }
    this._note = why;
    this._say(why);
    this._tick();
  }

  here(): void {
    const waiting = this._waiting;
    if (waiting) {
      this._withdraw();
      this._talk.send({ kind: 'ask', text: waiting.text, instead_of: waiting.insteadOf });
    }
  }

  // -- what the person does

  private _send(): void {
    const text = this._box.value.trim();
    if (!text || this._waiting || this._talk.live) {
      return;
    }
    this._waiting = { text, insteadOf: this._editing, since: performance.now() };
    this._pending.textContent = text;
    this._fill('');
    this._edit(null);
    this._note = '';
    this._pinned = true;
    this._talk.send({ kind: 'knock', view: this._talk.view });
    this._waits = setTimeout(() => {
      this._settle();
      this._say(BUSY);
      this._clock = setInterval(() => this._tick(), 1000);
      this._tick();
    }, BUSY_MS);
    this._settle();
  }

  /** Take back a question that the kernel has not heard. */
  private _withdraw(): void {
    clearTimeout(this._waits);
    clearInterval(this._clock);
    this._waiting = null;
    this._settle();
    this._tick();
  }

  private _stop(): void {
    if (this._waiting) {
      const { text } = this._waiting;
      this._withdraw();
      this._fill(text);
      this._box.focus();
    } else if (this._talk.live) {
      this._talk.send({ kind: 'stop' });
      // At once, also where the kernel takes its time to hear it.
      this._talk.live = { ...this._talk.live, phase: 'stopping' };
      this.live();
    }
  }

  private _again = (row: IRow): void => {
    if (!this._talk.live && !this._waiting) {
      this._talk.send({ kind: 'again', id: row.id });
      this._box.focus();
    }
  };

  private _editLast(): void {
    const last = [...this._talk.rows].reverse().find(row => row.role === 'user');
    if (last && !this._talk.live && !this._waiting) {
      this._edit(last.id);
      this._fill(last.text);
    }
  }

  private _edit(id: string | null): void {
    this._editing = id;
    this._views.forEach((view, key) => view.node.classList.toggle('tw-mod-editing', key === id));
    this._note = id ? 'Editing your last question. Escape leaves it as it is.' : '';
    this._tick();
  }

  private _typed(event: KeyboardEvent): void {
    // While an input method composes, Enter chooses a word.
    if (event.isComposing || event.keyCode === 229) {
      return;
    }
    if (event.key === 'Enter' && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      this._send();
    } else if (event.key === 'ArrowUp' && !this._box.value && !event.shiftKey) {
      event.preventDefault();
      this._editLast();
    }
  }

  private _pressed(event: KeyboardEvent): void {
    if (event.key === 'Escape' && !event.isComposing) {
      if (this._editing) {
        this._edit(null);
        this._fill('');
        event.preventDefault();
      } else if (this._waiting || this._talk.live) {
        this._stop();
        event.preventDefault();
      }
    }
    // The notebook's own keys do not mean what is typed here; saving and the like go on working.
    if (!(event.ctrlKey || event.metaKey) || event.key === 'Enter') {
      event.stopPropagation();
    }
  }

  private _clicked(event: Event): void {
    const target = (event.target as Element).closest<HTMLButtonElement>('button');
    if (target?.classList.contains('tw-link')) {
      toggleAddress(target);
    } else if (target?.classList.contains('tw-copy')) {
      void copyCode(target);
    }
  }

  // -- what stands there

  private _build(): void {
    const { node } = this;
    node.classList.add('tether-widget');
    // Lab takes no keystroke of its own from within here.
    node.dataset.lmSuppressShortcuts = 'true';
    node.setAttribute('role', 'region');
    node.setAttribute('aria-label', 'Tether chat');
    this._log.tabIndex = 0;
    this._log.setAttribute('role', 'log');
    // An answer is read out when it is whole, not by the token.
    this._log.setAttribute('aria-live', 'off');
    this._log.setAttribute('aria-label', 'Conversation');
    this._log.style.maxHeight = `${Number(this._model.get('height')) || 480}px`;
    this._log.append(this._pending);
    this._log.addEventListener('scroll', () => {
      this._pinned = this._log.scrollHeight - this._log.scrollTop - this._log.clientHeight < NEAR;
      this._toEnd.hidden = this._pinned;
    });
    this._log.addEventListener('click', event => this._clicked(event));
    this._spoken.setAttribute('role', 'status');
    this._box.rows = 1;
    this._box.placeholder = 'Ask about this notebook';
    this._box.setAttribute('aria-label', 'Your question');
    this._box.addEventListener('input', () => this._grow());
    this._box.addEventListener('keydown', event => this._typed(event));
    this._act.addEventListener('click', () =>
      this._talk.live || this._waiting ? this._stop() : this._send()
    );
    const fresh = button('New chat', 'tw-fresh', () => this._talk.send({ kind: 'fresh' }));
    const acts = element('div', 'tw-acts', fresh, this._act);
    const bar = element('div', 'tw-bar', this._picker.button, acts);
    this._input.append(this._box, bar);
    this._toEnd.hidden = true;
    const transcript = element('div', 'tw-transcript', this._log, this._toEnd);
    node.append(
      this._notice,
      transcript,
      this._status,
      this._picker.node,
      this._input,
      this._spoken
    );
    node.addEventListener('keydown', event => this._pressed(event));
    node.addEventListener('focusout', event => {
      if (!node.contains(event.relatedTarget as Node | null)) {
        this._picker.close();
        this._talk.send({ kind: 'left' });
      }
    });
    node.addEventListener('focusin', event => {
      if (!node.contains(event.relatedTarget as Node | null)) {
        this._look();
      }
    });
    this._sizes = new ResizeObserver(() => this._resized());
    this._sizes.observe(this._log);
    this._sizes.observe(this._input);
  }

  /** See what was said in this conversation elsewhere, now that somebody comes. */
  private _look(): void {
    const now = performance.now();
    if (now - this._looked > LOOK_MS && this._talk.alive && !this._talk.live && !this._waiting) {
      this._looked = now;
      this._talk.send({ kind: 'look' });
    }
  }

  private _restore(): void {
    const { draft, top } = kept.get(this._key) ?? { draft: '', top: null };
    this._fill(draft);
    if (top !== null) {
      this._pinned = false;
      requestAnimationFrame(() => (this._log.scrollTop = top));
    }
  }

  private _keep(): void {
    kept.set(this._key, {
      draft: this._waiting?.text ?? this._box.value,
      top: this._pinned ? null : this._log.scrollTop
    });
  }

  private get _key(): string {
    return String(this._model.get('key'));
  }

  /** Bring buttons and rows into line with what is under way. */
  private _settle(): void {
    const busy = Boolean(this._talk.live || this._waiting);
    const stopping = this._talk.live?.phase === 'stopping';
    const { alive, connected } = this._talk;
    const late = performance.now() - this._made > NOBODY_MS - 1;
    const saved = !alive && !this._waiting && (connected === null ? late : !connected);
    this.node.classList.toggle('tw-mod-saved', saved);
    this._input.hidden = saved;
    this._act.textContent = busy ? 'Stop' : 'Send';
    this._act.classList.toggle('tw-mod-send', !busy);
    this._act.title = busy ? 'Stop (Escape)' : 'Send (Enter)';
    this._act.disabled = stopping || (!busy && !this._box.value.trim());
    this._pending.hidden = !this._waiting;
    if (this._waiting && this._log.lastChild !== this._pending) {
      this._log.append(this._pending);
    }
    this._log.hidden = !this._talk.rows.length && !this._waiting;
    this._tick();
    this._follow();
  }

  private _tick(): void {
    const lasted = (performance.now() - this._talk.since) / 1000;
    const words = this._waiting
      ? this._patience()
      : this._talk.live
        ? this._words(lasted)
        : this.node.classList.contains('tw-mod-saved')
          ? SAVED
          : this._note;
    this._status.textContent = words;
    this._status.hidden = !words;
    this._status.classList.toggle('tw-mod-busy', Boolean(this._talk.live || this._waiting));
  }

  private _patience(): string {
    const waited = this._waiting ? performance.now() - this._waiting.since : 0;
    return waited > GONE_MS ? STILL_BUSY : waited > BUSY_MS - 1 ? BUSY : 'Sending';
  }

  private _words(seconds: number): string {
    const { live } = this._talk;
    if (!live) {
      return '';
    }
    const load =
      live.phase === 'loading' ? { name: live.name ?? '', progress: live.progress ?? 0 } : null;
    return phaseWords(live.phase, seconds, live.position ?? 1, load);
  }

  private _say(words: string): void {
    if (this._spoken.textContent !== words) {
      this._spoken.textContent = words;
    }
  }

  private _fill(text: string): void {
    this._box.value = text;
    this._grow();
  }

  private _grow(): void {
    const { style } = this._box;
    style.height = 'auto';
    const line = parseFloat(getComputedStyle(this._box).lineHeight) || 21;
    const wanted = this._box.scrollHeight;
    // Where it is not on the page yet, it has no height: the observer comes back to it.
    style.height = wanted ? `${Math.min(wanted, line * MOST_LINES + 16)}px` : 'auto';
    this._act.disabled = !this._talk.live && !this._waiting && !this._box.value.trim();
  }

  private _resized(): void {
    if (this._box.clientWidth !== this._width) {
      this._width = this._box.clientWidth;
      this._grow();
    }
    this._follow();
  }

  /** Keep to the end of what is being written, if that is where the reader is. */
  private _follow = (): void => {
    if (this._pinned) {
      this._log.scrollTop = this._log.scrollHeight;
    }
    const below = this._log.scrollHeight - this._log.scrollTop - this._log.clientHeight;
    this._toEnd.hidden = this._pinned || below < NEAR;
  };

  private _talk: Conversation;
  private _picker: Picker;
  private _views = new Map<string, RowView>();
  private _notice = element('div', 'tw-notice');
  private _log = element('div', 'tw-log');
  private _pending = element('div', 'tw-question tw-mod-waiting');
  private _toEnd = button('To the end ↓', 'tw-toEnd', () => {
    this._pinned = true;
    this._follow();
    this._log.focus();
  });
  private _status = element('div', 'tw-status');
  private _input = element('div', 'tw-input');
  private _box = element('textarea');
  private _act = button('Send', 'tw-act', () => undefined);
  private _spoken = element('div', 'tw-spoken');
  private _sizes: ResizeObserver = new ResizeObserver(() => undefined);
  private _waiting: { text: string; insteadOf: string | null; since: number } | null = null;
  private _editing: string | null = null;
  private _note = '';
  private _noticed = false;
  private _pinned = true;
  private _width = 0;
  private _clock: ReturnType<typeof setInterval> | undefined;
  private _waits: ReturnType<typeof setTimeout> | undefined;
  private _nobody: ReturnType<typeof setTimeout> | undefined;
  private _made = performance.now();
  private _looked = performance.now();
}
