import { ISignal, Signal } from '@lumino/signaling';

import { asTurnError } from '../server/problems';
import type { TetherServer } from '../server/request';
import { IFilters, IFound, search } from '../server/search';
import type { IThread } from '../server/threads';

/** How long after the last key the server is asked, ms. */
const PAUSE_MS = 150;
const PAGE = 30;

/** A search through all that was said, as it is typed. */
export class Finding {
  constructor(private _server: TetherServer) {}

  words = '';
  filters: IFilters = {};
  found: IFound[] = [];
  /** Whether what is shown is not the answer to the words yet. */
  busy = false;
  trouble: string | null = null;

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Whether there is more than what is shown. */
  get hasMore(): boolean {
    return this._next !== null;
  }

  /** Search for other words, or elsewhere; an earlier search that is not through is given up. */
  set(words: string, filters: IFilters = this.filters): void {
    this.words = words;
    this.filters = filters;
    clearTimeout(this._timer);
    this._given.abort();
    this._given = new AbortController();
    this._next = null;
    this.trouble = null;
    this.busy = words.trim() !== '';
    if (this.busy) {
      this._timer = setTimeout(() => void this._ask(0), PAUSE_MS);
    } else {
      this.found = [];
    }
    this._changed.emit();
  }

  /** Read the next page. */
  async more(): Promise<void> {
    if (this._next !== null && !this.busy) {
      this.busy = true;
      await this._ask(this._next);
    }
  }

  private async _ask(offset: number): Promise<void> {
    const { signal } = this._given;
    try {
      const place = { offset, limit: PAGE };
      const page = await search(this._server, this.words, this.filters, place, signal);
      if (signal.aborted) {
        return;
      }
      this.found = offset ? [...this.found, ...page.results] : page.results;
      this._next = page.next;
    } catch (reason) {
      if (signal.aborted) {
        return;
      }
      this.found = offset ? this.found : [];
      this._next = null;
      this.trouble = asTurnError(reason).problem.message;
    }
    this.busy = false;
    this._changed.emit();
  }

  private _next: number | null = null;
  private _given = new AbortController();
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _changed = new Signal<this, void>(this);
}

/** What is known without asking: the conversations whose titles have all the words. */
export function titled(
  threads: Iterable<IThread>,
  words: string,
  filters: IFilters,
  most = 50
): IFound[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const found: IFound[] = [];
  for (const each of threads) {
    const title = (each.title ?? '').toLowerCase();
    const fits =
      wanted.every(word => title.includes(word)) &&
      (filters.notebook === undefined || each.notebook === filters.notebook) &&
      (filters.project === undefined || each.project_id === filters.project) &&
      (filters.after === undefined ||
        Date.parse(each.last_message_at ?? '') >= Date.parse(filters.after));
    if (fits && found.length < most) {
      found.push({
        conversation: {
          ...each,
          title: each.title ?? '',
          last_message_at: each.last_message_at ?? ''
        },
        message: null,
        snippet: pieces(each.title ?? '', wanted)
      });
    }
  }
  return found;
}

/** What the titles say first, then what was said; a title that the server found as well stands once. */
export function together(titles: IFound[], found: IFound[]): IFound[] {
  const known = new Set(titles.map(each => each.conversation.id));
  const also = found.filter(each => !each.message && !known.has(each.conversation.id));
  return [...titles, ...also, ...found.filter(each => each.message)];
}

/** A text cut where the words are. */
export function pieces(text: string, wanted: string[]): { text: string; hit: boolean }[] {
  const escaped = wanted.map(word => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  if (!escaped.length) {
    return [{ text, hit: false }];
  }
  // Splitting at a group keeps what was split at: at each odd place.
  return text
    .split(new RegExp(`(${escaped.join('|')})`, 'gi'))
    .map((piece, i) => ({ text: piece, hit: i % 2 === 1 }))
    .filter(piece => piece.text);
}
