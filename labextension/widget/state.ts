import type { Phase } from '../src/chat/words';

/** What anywidget gives of a widget's model. */
export interface IModel {
  get(name: string): unknown;
  send(content: object): void;
  on(name: string, listener: (...args: never[]) => void): void;
  off(name: string, listener?: (...args: never[]) => void): void;
  widget_manager?: { get_model?(id: string): Promise<{ comm_live?: boolean }> };
}

export interface IProblem {
  message: string;
  hint?: string | null;
}

/** A message of the conversation; see `tether_jupyter/widget/rows.py`. */
export interface IRow {
  id: string;
  role: 'user' | 'assistant';
  text: string;
  state: 'writing' | 'done' | 'stopped' | 'failed' | 'interrupted';
  line?: string;
  problem?: IProblem;
}

/** What is happening to the answer that is being written. */
export interface ILive {
  id: string;
  phase: Phase;
  position?: number;
  progress?: number;
  name?: string;
}

/** What the next question goes to, and what stands in its way. */
export interface IFacts {
  label?: string;
  name?: string;
  place?: string | null;
  notice?: string | null;
  problem?: IProblem | null;
  chosen?: { model?: string; preset?: string };
}

export interface IChoices {
  models: {
    label: string;
    name: string;
    place: string;
    active: boolean;
    problem: string | null;
  }[];
  presets: string[];
  problem: string | null;
}

type Message =
  | { kind: 'all'; rows: IRow[]; live: ILive | null; facts: IFacts }
  | { kind: 'add'; rows: IRow[] }
  | ({ kind: 'phase' } & ILive)
  | { kind: 'more'; id: string; at: number; text: string }
  | { kind: 'end'; row: Omit<IRow, 'text'>; size: number }
  | { kind: 'facts'; facts: IFacts }
  | ({ kind: 'models' } & IChoices)
  | { kind: 'refused'; text: string; why: string }
  | { kind: 'here'; view: string };

/** What a view is told of. */
export interface IListener {
  /** Rows came, went or changed. */
  rows(): void;
  /** An answer has more text, or another state. */
  row(row: IRow): void;
  /** An answer came to its end while somebody watched. */
  ended(row: IRow): void;
  /** What is happening is something else. */
  live(): void;
  facts(): void;
  choices(choices: IChoices): void;
  refused(text: string, why: string): void;
  /** The kernel has time. */
  here(): void;
}

/** The conversation as one view knows it: saved in the notebook, and kept up to date by the kernel. */
export class Conversation {
  rows: IRow[];
  live: ILive | null = null;
  facts: IFacts;
  /** When the present phase began, by `performance.now()`. */
  since = 0;
  /** Whether the kernel has been heard of. */
  alive = false;
  /** Whether a kernel stands behind the widget; `null` where the front end does not tell. */
  connected: boolean | null = null;
  readonly view = Math.random().toString(36).slice(2);

  constructor(
    private _model: IModel,
    private _listener: IListener
  ) {
    this.rows = copied(_model.get('messages') as IRow[]);
    this.facts = (_model.get('facts') as IFacts | undefined) ?? {};
    _model.on('msg:custom', this._heard as never);
    _model.on('comm_live_update', this._lost as never);
    this.send({ kind: 'hello' });
    void this._checkConnected();
  }

  dispose(): void {
    this._model.off('msg:custom', this._heard as never);
    this._model.off('comm_live_update', this._lost as never);
  }

  send(content: { kind: string; [name: string]: unknown }): void {
    try {
      this._model.send(content);
    } catch {
      // A comm that is closed tells nobody: the view finds out from nobody answering.
      this.alive = false;
    }
  }

  find(id: string): IRow | undefined {
    return this.rows.find(row => row.id === id);
  }

  private _lost = (): void => {
    this.alive = false;
    this.live = null;
    void this._checkConnected();
  };

  /** A widget that was saved has a model, but nobody at the other end of it. */
  private async _checkConnected(): Promise<void> {
    try {
      const own = await this._model.widget_manager?.get_model?.(String(this._model.get('key')));
      this.connected = own?.comm_live ?? null;
    } catch {
      // The front end knows no such model: then it does not tell.
      this.connected = null;
    }
    this._listener.live();
  }

  private _heard = (message: Message): void => {
    this.alive = true;
    switch (message.kind) {
      case 'all':
        this.rows = copied(message.rows);
        this.facts = message.facts;
        this._phase(message.live);
        this._listener.rows();
        this._listener.facts();
        break;
      case 'add':
        this.rows.push(...copied(message.rows));
        this._phase({ id: message.rows[message.rows.length - 1].id, phase: 'sending' });
        this._listener.rows();
        break;
      case 'phase': {
        const { id, phase, position, progress, name } = message;
        this._phase({ id, phase, position, progress, name });
        break;
      }
      case 'more':
        this._more(message.id, message.at, message.text);
        break;
      case 'end':
        this._end(message.row, message.size);
        break;
      case 'facts':
        this.facts = message.facts;
        this._listener.facts();
        break;
      case 'models':
        this._listener.choices(message);
        break;
      case 'refused':
        this._listener.refused(message.text, message.why);
        break;
      case 'here':
        if (message.view === this.view) {
          this._listener.here();
        }
        break;
    }
  };

  private _phase(live: ILive | null): void {
    if (live?.phase !== this.live?.phase || live?.id !== this.live?.id) {
      this.since = performance.now();
    }
    this.live = live;
    this._listener.live();
  }

  private _more(id: string, at: number, text: string): void {
    const row = this.find(id);
    if (!row || at > row.text.length) {
      // Something was missed: begin anew with the whole.
      this.send({ kind: 'hello' });
    } else if (at + text.length > row.text.length) {
      row.text += text.slice(row.text.length - at);
      this._listener.row(row);
    }
  }

  private _end(ended: Omit<IRow, 'text'>, size: number): void {
    const row = this.find(ended.id);
    this._phase(null);
    if (row) {
      Object.assign(row, ended);
      this._listener.row(row);
      this._listener.ended(row);
      if (row.text.length < size) {
        this.send({ kind: 'hello' });
      }
    }
  }
}

function copied(rows: IRow[] | undefined): IRow[] {
  return (rows ?? []).map(row => ({ ...row }));
}
