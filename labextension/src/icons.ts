import { LabIcon } from '@jupyterlab/ui-components';

import tetherSvg from '../style/icons/tether.svg';
import thumbDownSvg from '../style/icons/thumb-down.svg';
import thumbUpSvg from '../style/icons/thumb-up.svg';

export const tetherIcon = new LabIcon({
  name: 'tether:logo',
  svgstr: tetherSvg
});

export const thumbUpIcon = new LabIcon({
  name: 'tether:thumb-up',
  svgstr: thumbUpSvg
});

export const thumbDownIcon = new LabIcon({
  name: 'tether:thumb-down',
  svgstr: thumbDownSvg
});
