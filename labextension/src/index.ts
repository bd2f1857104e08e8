import { models } from './plugins/models';
import { sidebar } from './plugins/sidebar';

export { ITether } from './tokens';

export default [sidebar, models];
