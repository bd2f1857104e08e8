import { sidebar } from './plugins/sidebar';

export { ITether } from './tokens';

export default [sidebar];
