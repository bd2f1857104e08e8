import { LabIcon } from '@jupyterlab/ui-components';
import React from 'react';

interface IProps {
  icon: LabIcon;
  /** Its width and height, px. */
  size: number;
  className?: string;
}

/** One of JupyterLab's icons. It makes a class for its style at each rendering, so it is rendered once. */
export const Icon = React.memo(function Icon({ icon, size, className }: IProps): JSX.Element {
  return <icon.react tag="span" className={className} width={`${size}px`} height={`${size}px`} />;
});
