import { Notification } from '@jupyterlab/apputils';
import { ISettingRegistry } from '@jupyterlab/settingregistry';

import { change, ownSettings } from '../server/clients';
import { asTurnError } from '../server/problems';
import type { TetherServer } from '../server/request';
import { levelOf, toTell } from './level';

/**
 * Keeps the server's idea of how much may be seen as the setting says. The server applies it to every question
 * of the sidebar and to what its preview shows, so no door can forget it.
 */
export class SeeSetting {
  constructor(
    private _server: TetherServer,
    private _settings: ISettingRegistry.ISettings
  ) {}

  follow(): void {
    this._settings.changed.connect(() => void this._tell());
    void this._tell();
  }

  private async _tell(): Promise<void> {
    const wanted = levelOf(this._settings.get('see').composite);
    if (wanted === this._told) {
      return;
    }
    try {
      const own = await ownSettings(this._server);
      const see = toTell(own.see, wanted);
      if (see !== undefined) {
        await change(this._server, { see });
      }
      this._told = wanted;
    } catch (reason) {
      const { message } = asTurnError(reason).problem;
      Notification.emit(
        `How much of the data may be seen is not in force yet. ${message} It is tried again when the page is loaded anew.`,
        'error',
        { autoClose: false }
      );
    }
  }

  // Whoever never set it here may have set it elsewhere, which stays.
  private _told: string | null = null;
}
