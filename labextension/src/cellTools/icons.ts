import { LabIcon } from '@jupyterlab/ui-components';

import explainSvg from '../../style/icons/explain.svg';

export const explainIcon = new LabIcon({ name: 'tether:explain', svgstr: explainSvg });
