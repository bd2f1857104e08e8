import { Signal } from '@lumino/signaling';

import type { IProblem } from '../server/events';
import { size } from '../server/models';
import { asTurnError } from '../server/problems';
import type { IPulled, IPullProgress } from '../server/shelf';

/** A model that is on its way, or was. */
export interface IPull {
  /** What was asked for, which is what to ask for to go on. */
  readonly text: string;
  /** What it will be called, once the hub has said so. */
  name: string;
  progress: IPullProgress | null;
  state: 'running' | 'stopped' | 'failed' | 'done';
  problem: IProblem | null;
}

type Fetch = (text: string, signal: AbortSignal) => AsyncGenerator<IPullProgress, IPulled>;

/**
 * What is being fetched. It lives as long as the browser's page, whichever tabs are open: the server stops a
 * pull when its connection closes, keeps what came, and goes on from there the next time.
 */
export class Pulls {
  constructor(private _fetch: Fetch) {}

  readonly changed = new Signal<this, void>(this);
  /** A pull has ended well. */
  readonly finished = new Signal<this, IPulled>(this);

  /** The newest last. */
  get all(): readonly IPull[] {
    return this._all;
  }

  get running(): number {
    return this._all.filter(each => each.state === 'running').length;
  }

  /** Begin, or go on. What is under way already is left alone. */
  start(text: string): void {
    const wanted = text.trim();
    if (!wanted || this._stops.has(wanted)) {
      return;
    }
    const before = this._all.find(each => each.text === wanted);
    const pull: IPull = {
      text: wanted,
      name: before?.name ?? wanted,
      progress: before?.progress ?? null,
      state: 'running',
      problem: null
    };
    this._all = [...this._all.filter(each => each !== before), pull];
    void this._run(pull);
  }

  /** Stop it; what came is kept. */
  cancel(pull: IPull): void {
    this._stops.get(pull.text)?.abort();
  }

  /** Take one that has ended off the list. */
  dismiss(pull: IPull): void {
    if (pull.state !== 'running') {
      this._all = this._all.filter(each => each !== pull);
      this.changed.emit();
    }
  }

  private async _run(pull: IPull): Promise<void> {
    const stop = new AbortController();
    this._stops.set(pull.text, stop);
    this.changed.emit();
    try {
      const events = this._fetch(pull.text, stop.signal);
      for (;;) {
        const { value, done } = await events.next();
        pull.name = value.name;
        if (done) {
          pull.state = 'done';
          this._all = this._all.filter(each => each !== pull);
          this.finished.emit(value);
          return;
        }
        pull.progress = value;
        this.changed.emit();
      }
    } catch (reason) {
      pull.state = stop.signal.aborted ? 'stopped' : 'failed';
      pull.problem = stop.signal.aborted ? null : asTurnError(reason).problem;
    } finally {
      this._stops.delete(pull.text);
      this.changed.emit();
    }
  }

  private _all: IPull[] = [];
  private _stops = new Map<string, AbortController>();
}

/** How far a pull has come, in words: `1.20 of 2.50 GB · 12.0 MB/s · 2 min left`. */
export function pullWords(pull: IPull): string {
  const { progress } = pull;
  const far = progress && `${size(progress.bytes)} of ${size(progress.total)}`;
  switch (pull.state) {
    case 'stopped':
      return far ? `Stopped by you at ${far}. What came is kept.` : 'Stopped by you.';
    case 'failed':
      return pull.problem?.message ?? 'It could not be fetched.';
    case 'done':
      return 'Here.';
  }
  if (!progress) {
    return 'Asking the hub…';
  }
  if (progress.bytes >= progress.total) {
    return `${far} · checking the files`;
  }
  const rate = progress.rate ? `${size(progress.rate)}/s` : null;
  const left = progress.eta !== null ? `${timeLeft(progress.eta)} left` : null;
  return [far, rate, left].filter(Boolean).join(' · ');
}

/** A time that is only guessed, so roughly: `40 s`, `3 min`, `2 h 10 min`. */
export function timeLeft(seconds: number): string {
  if (seconds < 55) {
    return `${Math.max(1, seconds < 10 ? Math.round(seconds) : Math.round(seconds / 5) * 5)} s`;
  }
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) {
    return `${Math.max(1, minutes)} min`;
  }
  const rest = minutes % 60;
  return `${Math.floor(minutes / 60)} h${rest ? ` ${rest} min` : ''}`;
}
