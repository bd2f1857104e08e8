import { assistance } from './plugins/assistance';
import { cellActions } from './plugins/cellActions';
import { errorButtons } from './plugins/errorButtons';
import { inlineEdit } from './plugins/inlineEdit';
import { ghost } from './plugins/ghost';
import { composer } from './plugins/composer';
import { models } from './plugins/models';
import { nextCell } from './plugins/nextCell';
import { modelsPage } from './plugins/modelsPage';
import { settings } from './plugins/settings';
import { sidebar } from './plugins/sidebar';
import { statusItem } from './plugins/statusItem';

export { IAssistance, ITether } from './tokens';

export default [assistance, sidebar, models, inlineEdit, errorButtons, cellActions];
export default [assistance, sidebar, models, ghost];
export default [assistance, sidebar, models, ghost, nextCell];
export default [assistance, sidebar, models, modelsPage, statusItem, settings];
import { threads } from './plugins/threads';

export { IAssistance, ITether } from './tokens';

export default [assistance, sidebar, models, threads];
export default [assistance, sidebar, models, composer];
