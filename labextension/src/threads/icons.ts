import { LabIcon } from '@jupyterlab/ui-components';

import findSvg from '../../style/icons/find.svg';
import pinSvg from '../../style/icons/pin.svg';
import threadsSvg from '../../style/icons/threads.svg';

export const threadsIcon = new LabIcon({ name: 'tether:threads', svgstr: threadsSvg });

export const findIcon = new LabIcon({ name: 'tether:find', svgstr: findSvg });

export const pinIcon = new LabIcon({ name: 'tether:pin', svgstr: pinSvg });
