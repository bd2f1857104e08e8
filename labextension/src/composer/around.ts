import type { Contents } from '@jupyterlab/services';

/** What is selected in the editor in front. */
export interface ISelection {
  /** `cell 4` or the file's name. */
  where: string;
  text: string;
}

/** What of Lab the composer can look at besides the notebook. The plug-in fills it in; all may be missing. */
export interface IAround {
  contents: Contents.IManager | null;
  /** The selection in a file's editor that is in front. */
  fileSelection: () => ISelection | null;
}

export const around: IAround = { contents: null, fileSelection: () => null };
