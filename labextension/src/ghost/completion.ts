import { Signal } from '@lumino/signaling';

import { IShape, shown } from './trim';

/** Characters that are cut off before the model is told to stop. */
const MOST_CUT = 160;

/** One request for a text at the cursor, and what came of it. It ends when it is cancelled, failed or complete. */
export class Completion {
  /**
   * `ask` begins the request and yields its pieces; `prefix` and `suffix` are all of the editor's text, of which the
   * shape's gap may be a part.
   */
  constructor(
    readonly prefix: string,
    readonly suffix: string,
    readonly shape: IShape,
    ask: (signal: AbortSignal) => AsyncGenerator<string>
  ) {
    this.done = this._run(ask);
  }

  readonly changed = new Signal<this, void>(this);
  readonly done: Promise<void>;

  get text(): string {
    return this._text;
  }

  get ended(): boolean {
    return this._ended;
  }

  get cancelled(): boolean {
    return this._cancelled;
  }

  /** Why it failed, if it did. */
  get failure(): unknown {
    return this._failure;
  }

  /** What remains of it at another place: null where what was typed since is not what it says. */
  rest(prefix: string, suffix: string): string | null {
    if (this.cancelled || suffix !== this.suffix || !prefix.startsWith(this.prefix)) {
      return null;
    }
    const typed = prefix.slice(this.prefix.length);
    if (this._text.startsWith(typed)) {
      return this._text.slice(typed.length);
    }
    // Somebody types what it says faster than it says it.
    return !this._ended && this._text && typed.startsWith(this._text) ? '' : null;
  }

  /**
   * What remains of it by `rest`, each time that it is another text than was told last, until it has ended.
   *
   * It may have grown since `told` was read: who comes late misses nothing.
   */
  async *follow(rest: () => string | null, told: string): AsyncGenerator<string> {
    for (;;) {
      const now = rest();
      if (now === null) {
        return;
      }
      if (now !== told) {
        told = now;
        yield now;
      } else if (this._ended) {
        return;
      } else {
        await this.change();
      }
    }
  }

  /** Resolve when it has changed. */
  change(): Promise<void> {
    return new Promise(done => {
      const heard = () => {
        this.changed.disconnect(heard);
        done();
      };
      this.changed.connect(heard);
    });
  }

  /** End it for good: nothing of it is shown from now on, and nobody writes on. */
  cancel(): void {
    if (!this._cancelled) {
      this._cancelled = true;
      this._controller.abort();
      this._end();
    }
  }

  private async _run(ask: (signal: AbortSignal) => AsyncGenerator<string>): Promise<void> {
    let raw = '';
    try {
      for await (const piece of ask(this._controller.signal)) {
        if (this.cancelled) {
          return;
        }
        raw += piece;
        this._show(shown(raw, this.shape, false));
        if (this._enough(raw)) {
          // The rest would not be shown: nobody has to write it.
          this._controller.abort();
          break;
        }
      }
    } catch (reason) {
      if (!this.cancelled) {
        this._failure = reason;
      }
    }
    if (!this._cancelled) {
      this._show(shown(raw, this.shape, true));
      this._end();
    }
  }

  /** Whether so much was cut off already that more would be, too. */
  private _enough(raw: string): boolean {
    return raw.length - this._text.length > MOST_CUT;
  }

  private _show(text: string): void {
    if (text !== this._text) {
      this._text = text;
      this.changed.emit();
    }
  }

  private _end(): void {
    this._ended = true;
    this.changed.emit();
  }

  private _controller = new AbortController();
  private _text = '';
  private _ended = false;
  private _cancelled = false;
  private _failure: unknown = null;
}
