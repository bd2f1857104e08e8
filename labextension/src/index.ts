import { assistance } from './plugins/assistance';
import { cellActions } from './plugins/cellActions';
import { composer } from './plugins/composer';
import { errorButtons } from './plugins/errorButtons';
import { ghost } from './plugins/ghost';
import { inlineEdit } from './plugins/inlineEdit';
import { models } from './plugins/models';
import { modelsPage } from './plugins/modelsPage';
import { nextCell } from './plugins/nextCell';
import { settings } from './plugins/settings';
import { sidebar } from './plugins/sidebar';
import { statusItem } from './plugins/statusItem';
import { threads } from './plugins/threads';

export { IAssistance, ITether } from './tokens';

export default [
  assistance,
  sidebar,
  composer,
  threads,
  models,
  modelsPage,
  statusItem,
  settings,
  cellActions,
  errorButtons,
  inlineEdit,
  ghost,
  nextCell
];
