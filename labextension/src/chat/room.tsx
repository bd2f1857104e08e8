import { Clipboard } from '@jupyterlab/apputils';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ReactWidget } from '@jupyterlab/ui-components';
import React from 'react';

import { Composer } from '../composer';
import { hasSelection, putSource, Where } from '../notebook/edit';
import { ICellPlace } from '../notebook/open';
import { isWritable } from '../notebook/writable';
import { asTurnError } from '../server/problems';
import { lab } from '../threads/lab';
import { Toast } from '../threads/toast';
import type { IAsk } from './ask';
import { CodeToolbar, IEditor } from './codeToolbar';
import { onceDrawn } from './drawn';
import { keepFocus } from './focus';
import { Head } from './head';
import { useSignals } from './hooks';
import { DatabaseNotice, Notice } from './notice';
import { chatRendermime, prepare } from './rendering';
import { Rooms } from './rooms';
import { Status } from './status';
import { Suggestions } from './suggestions';
import { Transcript } from './transcript';

/** The chat itself, in the panel once it is first shown. */
export class ChatRoom extends ReactWidget implements IEditor {
  constructor(
    readonly rooms: Rooms,
    rendermime: IRenderMimeRegistry,
    readonly openMenu: (button: HTMLElement) => void
  ) {
    super();
    this.addClass('tether-Room');
    this.rendermime = chatRendermime(rendermime);
    prepare(this.rendermime);
    keepFocus(this.node, () => this._place);
    rooms.open.activeCellChanged.connect(() => CodeToolbar.refreshAll(this.node));
    rooms.open.changed.connect(() => CodeToolbar.refreshAll(this.node));
  }

  /** Renders what a model has written. */
  readonly rendermime: IRenderMimeRegistry;

  /** What was just done, above the input. Undo in the notebook has no limit of time. */
  readonly toast = new Toast();

  get cell(): ICellPlace | null {
    return this.rooms.open.cell;
  }

  get writable(): boolean {
    return isWritable(this.rooms.open.panel);
  }

  get selects(): boolean {
    return hasSelection(this.rooms.open.panel);
  }

  put(where: Where, cell: ICellPlace | null, source: string, language: string): void {
    const type = /^(markdown|md)$/i.test(language) ? 'markdown' : 'code';
    const edit = putSource(this.rooms.open.panel, where, cell?.id ?? null, source, type);
    const gone = this.writable
      ? 'That cell is no longer there.'
      : 'This notebook cannot be written to.';
    const undo = edit?.undo;
    const back = () => {
      const trouble = undo?.() ?? null;
      if (trouble !== null) {
        this.note(trouble);
      }
    };
    this.note(edit?.words ?? gone, undo ? back : null);
  }

  copy(source: string): void {
    Clipboard.copyToSystem(source);
  }

  focusInput(): void {
    this.node.querySelector<HTMLTextAreaElement>('.tether-input textarea')?.focus();
  }

  async newChat(): Promise<void> {
    try {
      await this.rooms.begin();
    } catch (reason) {
      this.note(asTurnError(reason).problem.message);
    }
    this.focusInput();
  }

  /** Ask about the notebook in front. */
  async ask(ask: IAsk): Promise<void> {
    const thread = await this.rooms.bringOwn();
    await thread.send(ask);
  }

  /** Put words about the notebook in front, and what goes with them, into the input. */
  async compose(ask: IAsk): Promise<void> {
    const shown = this.rooms.current;
    const thread = await this.rooms.bringOwn();
    thread.draft.restore(ask);
    if (thread === shown) {
      this.focusInput();
    } else {
      // Each conversation has an input of its own.
      onceDrawn(() => this.focusInput());
    }
  }

  async stop(): Promise<void> {
    await this.rooms.current.stop();
  }

  /** Say for a moment what was done, and offer to take it back. */
  note(words: string, undo: (() => void) | null = null): void {
    this.toast.say(words, undo);
  }

  protected render(): JSX.Element {
    return <Body room={this} />;
  }

  /** Where the focus can always be: the list while it is open, or the input, or what is there when all is off. */
  private get _place(): HTMLElement | null {
    const places = [
      '.tether-drawer [role=treeitem][tabindex="0"]',
      '.tether-drawer input',
      '.tether-input textarea',
      '.tether-notice button',
      '.tether-head button:enabled'
    ];
    const found = places.map(each => this.node.querySelector<HTMLElement>(each));
    return found.find(each => each?.checkVisibility() && !each.closest('[inert]')) ?? null;
  }
}

function Body({ room }: { room: ChatRoom }): JSX.Element {
  const { rooms } = room;
  useSignals(rooms.changed, lab.assistance?.changed);
  const thread = rooms.current;
  const off = lab.assistance?.on === false ? ' tether-mod-off' : '';
  return (
    <div className={`tether-body jp-ThemedContainer${off}`}>
      <Head
        rooms={rooms}
        thread={thread}
        onNewChat={() => void room.newChat()}
        onMore={room.openMenu}
      />
      <Notice rooms={rooms} />
      <DatabaseNotice rooms={rooms} />
      <React.Fragment key={thread.key}>
        <Suggestions rooms={rooms} thread={thread} room={room} />
        <Transcript thread={thread} room={room} />
        <Status thread={thread} toast={room.toast} />
        <Composer rooms={rooms} thread={thread} />
      </React.Fragment>
    </div>
  );
}
