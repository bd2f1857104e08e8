import { LabIcon } from '@jupyterlab/ui-components';

import tetherSvg from '../style/icons/tether.svg';

export const tetherIcon = new LabIcon({
  name: 'tether:logo',
  svgstr: tetherSvg
});
