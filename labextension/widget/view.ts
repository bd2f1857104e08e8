import { phaseWords, spoken } from '../src/chat/words';
import { Box, joined } from './box';
import { button, element } from './dom';
import { Log } from './log';
import { Picker } from './picker';
import { Conversation, IChoices, IListener, IModel, IRow } from './state';

/** After so long without an answer, the kernel is busy, ms. */
const BUSY_MS = 600;
/** After so long without a sign, nobody is expected to answer, ms. */
const NOBODY_MS = 1500;
const GONE_MS = 20_000;
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
    this._log = new Log(Number(_model.get('height')) || 480, this._again);
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
    this._log.dispose();
    this._sizes.disconnect();
  }

  // -- what the conversation tells

  rows(): void {
    this._log.show(this._talk.rows);
    this._settle();
    this._log.follow();
  }

  row(row: IRow): void {
    this._log.update(row);
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
    const { insteadOf } = this._sent;
    const own = text === this._sent.text;
    // Every view is told: what was typed in another one does not belong among the words of this one.
    if (text && (own || !this._box.words)) {
      if (own && this._talk.rows.some(row => row.id === insteadOf)) {
        this._edit(insteadOf);
      }
      this._box.giveBack(text);
    }
    this._note = why;
    this._say(why);
    this._tick();
  }

  here(): void {
    const waiting = this._waiting;
    if (waiting) {
      this._withdraw();
      this._sent = waiting;
      this._talk.send({ kind: 'ask', text: waiting.text, instead_of: waiting.insteadOf });
    }
  }

  // -- what the person does

  private _send(): void {
    const text = this._box.words;
    if (!text || this._waiting || this._talk.live) {
      return;
    }
    this._waiting = { text, insteadOf: this._editing, since: performance.now() };
    this._box.fill('');
    this._edit(null);
    this._note = '';
    this._log.pin();
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
      this._box.giveBack(text);
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
      this._box.fill(last.text);
    }
  }

  private _edit(id: string | null): void {
    this._editing = id;
    this._log.edit(id);
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
    } else if (event.key === 'ArrowUp' && !this._box.node.value && !event.shiftKey) {
      event.preventDefault();
      this._editLast();
    }
  }

  private _pressed(event: KeyboardEvent): void {
    if (event.key === 'Escape' && !event.isComposing && event.keyCode !== 229) {
      if (this._editing) {
        this._edit(null);
        this._box.fill('');
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

  // -- what stands there

  private _build(): void {
    const { node } = this;
    node.classList.add('tether-widget');
    // Lab takes no keystroke of its own from within here.
    node.dataset.lmSuppressShortcuts = 'true';
    node.setAttribute('role', 'region');
    node.setAttribute('aria-label', 'Tether chat');
    this._spoken.setAttribute('role', 'status');
    this._box.node.addEventListener('keydown', event => this._typed(event));
    this._act.addEventListener('click', () =>
      this._talk.live || this._waiting ? this._stop() : this._send()
    );
    const fresh = button('New chat', 'tw-fresh', () => this._talk.send({ kind: 'fresh' }));
    const acts = element('div', 'tw-acts', fresh, this._act);
    const bar = element('div', 'tw-bar', this._picker.button, acts);
    this._input.append(this._box.node, bar);
    node.append(
      this._notice,
      this._log.node,
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
    this._sizes = new ResizeObserver(() => {
      this._box.resized();
      this._log.follow();
    });
    this._sizes.observe(this._log.list);
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
    this._box.fill(draft);
    this._log.top = top;
  }

  private _keep(): void {
    kept.set(this._key, {
      draft: joined(this._waiting?.text ?? '', this._box.node.value),
      top: this._log.top
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
    this._act.disabled = stopping || (!busy && !this._box.words);
    this._log.wait(this._waiting?.text ?? null);
    this._tick();
    this._log.follow();
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

  private _talk: Conversation;
  private _picker: Picker;
  private _notice = element('div', 'tw-notice');
  private _log: Log;
  private _status = element('div', 'tw-status');
  private _input = element('div', 'tw-input');
  private _box = new Box(() => {
    this._act.disabled = !this._talk.live && !this._waiting && !this._box.words;
  });
  private _act = button('Send', 'tw-act', () => undefined);
  private _spoken = element('div', 'tw-spoken');
  private _sizes: ResizeObserver = new ResizeObserver(() => undefined);
  private _waiting: { text: string; insteadOf: string | null; since: number } | null = null;
  /** The question that the kernel heard last. */
  private _sent: { text: string; insteadOf: string | null } = { text: '', insteadOf: null };
  private _editing: string | null = null;
  private _note = '';
  private _noticed = false;
  private _clock: ReturnType<typeof setInterval> | undefined;
  private _waits: ReturnType<typeof setTimeout> | undefined;
  private _nobody: ReturnType<typeof setTimeout> | undefined;
  private _made = performance.now();
  private _looked = performance.now();
}
