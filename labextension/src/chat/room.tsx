import {
  ChatReactContext,
  InputToolbarRegistry,
  JlThemeProvider,
  MessageFooterRegistry
} from '@jupyter/chat';
import { Clipboard, IThemeManager } from '@jupyterlab/apputils';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ReactWidget } from '@jupyterlab/ui-components';
import { ISignal, Signal } from '@lumino/signaling';
import React from 'react';

import { putSource, Where } from '../notebook/edit';
import { ICellPlace } from '../notebook/open';
import { asTurnError } from '../server/problems';
import { Question } from './answer';
import { CodeToolbar, IEditor } from './codeToolbar';
import { AnswerFooter } from './footer';
import { Head } from './head';
import { useSignals } from './hooks';
import { Input } from './input';
import { modelBadge } from './modelBadge';
import { DatabaseNotice, Notice } from './notice';
import { chatRendermime } from './rendering';
import { Rooms } from './rooms';
import { INote, Status } from './status';
import { SendOrStop } from './stopButton';
import { Suggestions } from './suggestions';
import { Transcript } from './transcript';

/** How long an edit can be taken back from the panel, ms. Undo in the notebook has no limit. */
const NOTE_MS = 8000;

/** The chat itself, in the panel once it is first shown. */
export class ChatRoom extends ReactWidget implements IEditor {
  constructor(
    readonly rooms: Rooms,
    rendermime: IRenderMimeRegistry,
    private _themes: IThemeManager | null,
    readonly openMenu: (button: HTMLElement) => void
  ) {
    super();
    this.addClass('tether-Room');
    this._rendermime = chatRendermime(rendermime, this);
    this._footers.addSection({ component: AnswerFooter, position: 'left' });
    this._tools.addItem('model', { element: modelBadge(rooms), position: 10 });
    rooms.open.activeCellChanged.connect(() => CodeToolbar.refreshAll(this.node));
    rooms.open.changed.connect(() => CodeToolbar.refreshAll(this.node));
    this._tools.addItem('send', { element: SendOrStop, position: 100 });
  }

  get cell(): ICellPlace | null {
    return this.rooms.open.cell;
  }

  get writable(): boolean {
    const model = this.rooms.open.panel?.content.model;
    return Boolean(model && !model.readOnly);
  }

  put(where: Where, cell: ICellPlace | null, source: string, language: string): void {
    const type = /^(markdown|md)$/i.test(language) ? 'markdown' : 'code';
    const edit = putSource(this.rooms.open.panel, where, cell?.id ?? null, source, type);
    this._setNote(edit ?? { words: 'That cell is no longer there.', undo: null });
  }

  copy(source: string): void {
    Clipboard.copyToSystem(source);
  }

  focusInput(): void {
    this.rooms.current.input.focus();
  }

  async newChat(): Promise<void> {
    const model = this.rooms.current;
    try {
      await model.fresh();
    } catch (reason) {
      this._setNote({ words: asTurnError(reason).problem.message, undo: null });
    }
    model.input.focus();
  }

  async ask(question: Question): Promise<void> {
    await this.rooms.current.ask(question);
  }

  async stop(): Promise<void> {
    await this.rooms.current.stop();
  }

  get note(): INote | null {
    return this._note;
  }

  get noteChanged(): ISignal<this, void> {
    return this._noteChanged;
  }

  protected render(): JSX.Element {
    return (
      <JlThemeProvider themeManager={this._themes}>
        <Body room={this} context={this._context} />
      </JlThemeProvider>
    );
  }

  private _context = () => ({
    model: this.rooms.current,
    rmRegistry: this._rendermime,
    messageFooterRegistry: this._footers,
    inputToolbarRegistry: this._tools,
    area: 'sidebar' as const
  });

  private _setNote(note: INote | null): void {
    window.clearTimeout(this._timer);
    this._note = note;
    this._noteChanged.emit();
    if (note) {
      this._timer = window.setTimeout(() => this._setNote(null), NOTE_MS);
    }
  }

  clearNote = () => this._setNote(null);

  private _rendermime: IRenderMimeRegistry;
  private _footers = new MessageFooterRegistry();
  private _tools = new InputToolbarRegistry();
  private _note: INote | null = null;
  private _timer = 0;
  private _noteChanged = new Signal<this, void>(this);
}

interface IBodyProps {
  room: ChatRoom;
  context: () => React.ContextType<typeof ChatReactContext>;
}

function Body({ room, context }: IBodyProps): JSX.Element {
  const { rooms } = room;
  useSignals(rooms.changed, room.noteChanged);
  const model = rooms.current;
  const value = React.useMemo(context, [model]);
  return (
    <div className="tether-body jp-ThemedContainer">
      <Head
        rooms={rooms}
        model={model}
        onNewChat={() => void room.newChat()}
        onMore={room.openMenu}
      />
      <Notice rooms={rooms} />
      <DatabaseNotice rooms={rooms} />
      <ChatReactContext.Provider key={model.key} value={value}>
        <Suggestions rooms={rooms} model={model} />
        <Transcript model={model} />
        <Status model={model} note={room.note} clearNote={room.clearNote} />
        <Input model={model} />
      </ChatReactContext.Provider>
    </div>
  );
}
