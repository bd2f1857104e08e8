import { PathExt } from '@jupyterlab/coreutils';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { ISignal, Signal } from '@lumino/signaling';

import type { Rooms } from '../chat/rooms';
import { panelFor } from '../notebook/read';
import { cellChip, cellNames, errorChips, selection, selectionChip } from './cells';
import { IChip, variableChip } from './chip';
import { Folders } from './folders';
import { columnName } from './schema';
import { filtered } from './typed';
import { Variables } from './variables';

/** One line of a menu. */
export interface IChoice {
  key: string;
  group: string;
  label: string;
  detail: string;
  /** What takes the place of what was typed. */
  put: string;
  chip?: IChip;
  /** A file of the workspace to attach. */
  path?: string;
  /** The menu goes on with what was put: a folder. */
  more?: boolean;
}

const ELSEWHERE =
  'This conversation is about another notebook. Open that one to name its variables and cells.';

const FEW = 5;
const MANY = 12;

/** What can be named with `@`. */
export class Mentions {
  constructor(private _rooms: Pick<Rooms, 'current' | 'open' | 'server'>) {
    this._variables = new Variables(_rooms.server);
    this._variables.changed.connect(() => this._changed.emit());
    this._folders.changed.connect(() => this._changed.emit());
    _rooms.open.ran.connect(() => this._ran++);
  }

  /** More is known than before. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Why something is not listed, or that it is being looked for. */
  get note(): string | null {
    if (this._isElsewhere) {
      return ELSEWHERE;
    }
    return this._variables.looking && !this._variables.names.length
      ? 'Looking at the variables…'
      : (this._variables.problem ?? this._folders.problem);
  }

  /** The menu opens: look at what is there now. */
  begin(): void {
    this._folders.begin();
    if (this._isElsewhere) {
      return;
    }
    const kernel = this._panel?.sessionContext.session?.kernel ?? null;
    void this._variables.look(kernel, this._ran);
  }

  choices(query: string): IChoice[] {
    const columns = this._isElsewhere ? null : this._columns(query);
    if (columns) {
      return columns;
    }
    const most = query ? MANY : FEW;
    return [
      ...this._here(query),
      ...(this._isElsewhere ? [] : this._names(query, most)),
      ...this._cells(query, most),
      ...this._files(query, most)
    ];
  }

  /** The last error and the selection, where there are any. */
  private _here(query: string): IChoice[] {
    const panel = this._panel;
    const found: IChoice[] = [];
    const failed = errorChips(panel);
    if (failed) {
      found.push({
        key: 'error',
        group: 'Here',
        label: 'error',
        detail: failed.error.name,
        put: 'the last error',
        chip: failed.error
      });
    }
    const selected = selection(panel);
    if (selected) {
      found.push({
        key: 'selection',
        group: 'Here',
        label: 'selection',
        detail: `in ${selected.where}, ${lines(selected.text)}`,
        put: 'the selection',
        chip: selectionChip(selected)
      });
    }
    return filtered(found, query, each => each.label);
  }

  private _names(query: string, most: number): IChoice[] {
    const found = filtered(this._variables.names, query, each => each.name).slice(0, most);
    void this._variables.describe(found.map(each => each.name));
    return found.map(({ name, type }) => ({
      key: `variable ${name}`,
      group: 'Variables',
      label: name,
      detail: this._variables.schema(name)?.facts || type,
      put: name,
      chip: variableChip(name)
    }));
  }

  /** `df.` names the columns of `df`. */
  private _columns(query: string): IChoice[] | null {
    const found = /^([^\W\d]\w*)(?:\.|\[['"]?)(.*)$/u.exec(query);
    const known = found && this._variables.names.some(each => each.name === found[1]);
    if (!found || !known) {
      return null;
    }
    const [, variable, typed] = found;
    void this._variables.describe([variable]);
    const schema = this._variables.schema(variable);
    const columns = filtered(
      schema?.columns ?? [],
      typed.replace(/['"]?\]?$/, ''),
      each => each.name
    );
    return columns.map(each => {
      const name = columnName(variable, each.name);
      return {
        key: `column ${name}`,
        group: `Columns of ${variable}`,
        label: each.name,
        detail: each.facts,
        put: name,
        chip: variableChip(name)
      };
    });
  }

  private _cells(query: string, most: number): IChoice[] {
    const cells = cellNames(this._panel).map(each => ({
      ...each,
      name: `cell ${each.number}`
    }));
    const number = /^cell ?(\d+)$/i.exec(query)?.[1];
    const found = number
      ? cells.filter(each => String(each.number).startsWith(number))
      : filtered(cells, query, each => each.name);
    return found.slice(0, most).map(({ name, number, first, active }) => ({
      key: name,
      group: 'Cells',
      label: name,
      detail: active ? `active · ${first}` : first,
      put: name,
      chip: cellChip(this._panel, number) ?? undefined
    }));
  }

  private _files(query: string, most: number): IChoice[] {
    const home = PathExt.dirname(withoutDrive(this._rooms.open.path ?? ''));
    const listed = this._folders.list(home === '.' ? '' : home, query);
    return filtered(listed, query, each => each.typed)
      .filter(each => each.typed !== query)
      .slice(0, most)
      .map(({ path, typed, folder }) => ({
        key: `file ${path}`,
        group: 'Files',
        label: typed,
        detail: folder ? 'folder' : '',
        put: folder ? `@${typed}` : PathExt.basename(path),
        path: folder ? undefined : path,
        more: folder
      }));
  }

  /** The notebook whose names may be told in the conversation that is shown. */
  private get _panel(): NotebookPanel | null {
    return panelFor(this._rooms.current, this._rooms.open);
  }

  /** Whether that conversation is about another notebook than the one in front. */
  private get _isElsewhere(): boolean {
    return this._panel !== this._rooms.open.panel;
  }

  private _variables: Variables;
  private _folders = new Folders();
  private _ran = 0;
  private _changed = new Signal<this, void>(this);
}

/** A collaborative drive stands before the paths of its notebooks. */
function withoutDrive(path: string): string {
  return path.startsWith('RTC:') ? path.slice(4) : path;
}

function lines(text: string): string {
  const count = text.trim().split('\n').length;
  return count === 1 ? '1 line' : `${count} lines`;
}
