import { Notification } from '@jupyterlab/apputils';
import type { IInlineCompletionContext, IInlineCompletionList } from '@jupyterlab/completer';
import type { CommandRegistry } from '@lumino/commands';

import { asksTether } from '../notebook/text';
import { fill, fillByChat, IGap } from '../server/completions';
import { asTurnError } from '../server/problems';
import type { TetherServer } from '../server/request';
import { textAfter, textBefore } from './around';
import { contextOf } from './chatContext';
import { Completion } from './completion';
import { guardKeys } from './keys';
import { IPlace, isClosed, isOpen, isProse, isStill, placeOf } from './place';
import type { IGhostSettings } from './settings';
import { atEmptyLine, IShape, lineAfter } from './trim';
import { Watch } from './watch';
import { IModelHere, refusal, Where } from './where';

type List = IInlineCompletionList<{ insertText: string; isIncomplete?: boolean; token?: string }>;

const NOTHING: List = { items: [] };
/** Milliseconds for which nothing is asked while typing after the model failed. */
const PAUSE = 15_000;
/** Milliseconds that the first text may take while typing: later, the thought is another one. */
const LATE = 10_000;
/** The next word or sign, in any script. */
const WORD = /^\s*(?:[\p{L}\p{M}\p{N}_]+|[^\p{L}\p{M}\p{N}_\s]+)/u;

export interface IGhostOptions {
  server: TetherServer;
  id: string;
  settings: () => IGhostSettings;
  /** Whether assistance is on. */
  on: () => boolean;
  commands: CommandRegistry;
  /** The commands that accept a part. */
  partial: readonly string[];
  /** Show where ghost text is set. */
  openSettings: () => void;
}

/** Completes what is typed: one request at a time, of which nothing is shown once it is superseded. */
export class GhostText {
  constructor(private _options: IGhostOptions) {
    this._where = new Where(_options.server);
    guardKeys(_options.id, _options.commands, _options.partial);
  }

  /** What Lab asks at each change of the text, and on demand. */
  async fetch(context: IInlineCompletionContext): Promise<IInlineCompletionList> {
    const number = ++this._number;
    const byHand = (context.triggerKind as number) === 0;
    const place = placeOf(context.widget);
    const rest = place && this._restAt(place);
    if (place && rest !== null && !(byHand && !rest)) {
      return this._list(place, number);
    }
    this.cancel();
    if (!place || !this._wanted(place, byHand)) {
      return NOTHING;
    }
    if (!byHand) {
      await new Promise(done => setTimeout(done, this._options.settings().debounce));
    }
    const model = number === this._number ? await this._find() : null;
    // Meanwhile, the notebook may have been closed, or the switch turned.
    const wanted = number === this._number && isStill(place) && this._wanted(place, byHand);
    if (!wanted || !this._allowed(model, byHand)) {
      return NOTHING;
    }
    this._begin(place, model!, byHand);
    return this._list(place, number, byHand);
  }

  /** The whole text so far, each time that it has grown; it ends when the text or the cursor is elsewhere. */
  async *stream(token: string): AsyncGenerator<{ response: { insertText: string } }> {
    const listed = this._tokens.get(token);
    this._tokens.delete(token);
    const completion = this._completion;
    if (!listed || !completion) {
      return;
    }
    const { number, place, told } = listed;
    const rest = () =>
      completion === this._completion && number === this._number && isOpen(place)
        ? this._restAt(place)
        : null;
    for await (const insertText of completion.follow(rest, told)) {
      yield { response: { insertText } };
    }
  }

  /** Take the next word or line of what is shown; the rest stays. Return whether there was one. */
  take(what: 'word' | 'line'): boolean {
    const place = this._watch?.place() ?? null;
    const rest = place && this._restAt(place);
    if (!place || !rest) {
      return false;
    }
    const part = what === 'word' ? WORD : /^\n?[^\n]*/;
    const insert = part.exec(rest)?.[0] || rest;
    const from = place.prefix.length;
    place.view.dispatch({
      changes: { from, insert },
      selection: { anchor: from + insert.length },
      userEvent: 'input.complete'
    });
    return true;
  }

  /** Whether there is something to take. */
  get shown(): boolean {
    const place = this._watch?.place() ?? null;
    return Boolean(place && this._restAt(place));
  }

  /** End the request under way, here and upstream. */
  cancel(): void {
    this._watch?.dispose();
    this._watch = null;
    this._completion?.cancel();
    this._completion = null;
    this._tokens.clear();
  }

  private _restAt(place: IPlace): string | null {
    return this._watch?.editor === place.editor
      ? (this._completion?.rest(place.prefix, place.suffix) ?? null)
      : null;
  }

  /** Whether this is a place to complete at. */
  private _wanted(place: IPlace, byHand: boolean): boolean {
    const { when, prose } = this._options.settings();
    if (!this._options.on() || when === 'never' || isClosed(place)) {
      return false;
    }
    const written = isProse(place.mimeType) || asksTether(place.prefix);
    if (byHand) {
      return prose || !written;
    }
    // In the middle of a word, what is missing is rarely what comes next.
    const inWord = /^\w/.test(lineAfter(place.suffix));
    // What is written by others, or from elsewhere in the page, is no typing.
    const typed = place.view.hasFocus && when !== 'asked';
    return typed && !inWord && (prose || !written) && Date.now() > this._pausedUntil;
  }

  /** Whether this model may be asked; told in words where somebody asked for it. */
  private _allowed(model: IModelHere | null, byHand: boolean): boolean {
    const { when, wake } = this._options.settings();
    if (!model) {
      return byHand && this._tell('Jupyter does not answer, so nothing was completed.');
    }
    if (when === 'local' && !model.local) {
      return byHand && this._tell(refusal(model));
    }
    // What the demo model was taught is answers to questions: unasked, its code would only be in the way.
    return byHand || ((wake || model.ready) && (when === 'always' || !model.demo));
  }

  private _find(): Promise<IModelHere | null> {
    return this._where.find(this._options.settings().when === 'local');
  }

  private _begin(place: IPlace, model: IModelHere, byHand: boolean): void {
    const { server, settings } = this._options;
    const { lines, maxTokens, wake } = settings();
    const own: IGap = { prefix: place.prefix, suffix: place.suffix };
    const shape: IShape = { gap: own, lines: lines && atEmptyLine(own) };
    const stop = shape.lines ? ['\n\n\n'] : ['\n'];
    const options = { maxTokens, stop, wake: wake || byHand, asked: byHand, model: model.model };
    const suffix = textAfter(place.suffix);
    const completion = new Completion(place.prefix, place.suffix, shape, signal =>
      model.chats
        ? fillByChat(
            server,
            { prefix: textBefore([], place.prefix), suffix },
            contextOf(place.cells),
            // A chat model may begin with a line of a fence.
            { ...options, stop: [], language: place.language },
            signal
          )
        : fill(server, { prefix: textBefore(place.cells, place.prefix), suffix }, options, signal)
    );
    this._completion = completion;
    this._watch = new Watch(place, now => {
      if (!now || this._restAt(now) === null) {
        this.cancel();
      }
    });
    const late = setTimeout(
      () => {
        if (!completion.text && !completion.ended) {
          completion.cancel();
          if (byHand) {
            this._tell('The model has said nothing for half a minute, so nothing was completed.');
          }
        }
      },
      byHand ? 3 * LATE : LATE
    );
    void completion.done.then(() => {
      clearTimeout(late);
      this._failed(completion, byHand);
    });
  }

  /** Wait for text that can be shown here, and return it. */
  private async _list(
    place: IPlace,
    number: number,
    byHand = false
  ): Promise<IInlineCompletionList> {
    const completion = this._completion!;
    while (!this._restAt(place) && !completion.ended) {
      await completion.change();
    }
    const rest = completion === this._completion ? this._restAt(place) : null;
    if (!rest || number !== this._number || !isOpen(place)) {
      if (byHand && rest === '' && !completion.failure) {
        this._tell('The model has nothing to add here.');
      }
      return NOTHING;
    }
    const token = String(number);
    this._tokens.set(token, { number, place, told: rest });
    return { items: [{ insertText: rest, isIncomplete: !completion.ended, token }] };
  }

  /** A failure is silent, but for somebody who asked by hand; and nothing is asked for a while. */
  private _failed(completion: Completion, byHand: boolean): void {
    if (!completion.failure || completion.cancelled) {
      return;
    }
    const { problem } = asTurnError(completion.failure);
    const asleep = problem.type === 'model_not_ready';
    this._where.forget(asleep ? false : undefined);
    this._pausedUntil = asleep ? 0 : Date.now() + PAUSE;
    if (byHand) {
      this._tell(`Nothing was completed. ${problem.message}`);
    }
  }

  /** Say it once, quietly. Returns false, for what is refused with it. */
  private _tell(message: string): false {
    Notification.dismiss(this._told);
    this._told = Notification.emit(message, 'info', {
      autoClose: 8000,
      actions: [{ label: 'Settings', callback: this._options.openSettings }]
    });
    return false;
  }

  private _where: Where;
  private _number = 0;
  private _completion: Completion | null = null;
  private _watch: Watch | null = null;
  private _tokens = new Map<string, { number: number; place: IPlace; told: string }>();
  private _pausedUntil = 0;
  private _told: string | undefined;
}
