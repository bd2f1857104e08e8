import { assistance } from './plugins/assistance';
import { models } from './plugins/models';
import { sidebar } from './plugins/sidebar';

export { IAssistance, ITether } from './tokens';

export default [assistance, sidebar, models];
