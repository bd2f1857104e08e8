import { Message } from '@lumino/messaging';
import { Panel, Widget } from '@lumino/widgets';

import type { ChatRoom } from '../chat';
import { tetherIcon } from '../icons';
import { PanelWidth } from './width';

/** The sidebar's place in the shell. The chat comes into it when it is first shown. */
export class TetherPanel extends Panel {
  /** `make` loads the chat and builds it; it is called once, unless it fails. */
  constructor(private _make: () => Promise<ChatRoom>) {
    super();
    this.id = 'tether-chat';
    this.addClass('tether-Panel');
    this.title.icon = tetherIcon;
    this.title.caption = 'Tether';
    this.node.setAttribute('role', 'complementary');
    this.node.setAttribute('aria-label', 'Tether');
  }

  width: PanelWidth | null = null;

  /** The chat, if it has been loaded. */
  get room(): ChatRoom | null {
    return this._room;
  }

  /** The chat, loaded now if it has not been. */
  async load(): Promise<ChatRoom> {
    this._loading ??= this._load();
    return this._loading;
  }

  protected onAfterShow(msg: Message): void {
    super.onAfterShow(msg);
    void this.load();
    void this.width?.restore();
  }

  protected onAfterAttach(msg: Message): void {
    super.onAfterAttach(msg);
    if (this.isVisible) {
      void this.load();
      void this.width?.restore();
    }
  }

  private async _load(): Promise<ChatRoom> {
    try {
      this._room = await this._make();
    } catch (reason) {
      this._loading = null;
      this._say('The chat could not be loaded. Reload the page to try again.');
      throw reason;
    }
    for (const widget of [...this.widgets]) {
      widget.dispose();
    }
    this.addWidget(this._room);
    return this._room;
  }

  private _say(words: string): void {
    const line = new Widget();
    line.addClass('tether-loading');
    line.node.textContent = words;
    this.addWidget(line);
  }

  private _room: ChatRoom | null = null;
  private _loading: Promise<ChatRoom> | null = null;
}
