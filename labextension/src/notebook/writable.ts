import type { NotebookPanel } from '@jupyterlab/notebook';

/** Whether a notebook can be written to, and be saved after it. */
export function isWritable(panel: NotebookPanel | null | undefined): boolean {
  const model = panel?.content.model;
  // JupyterLab lets people type into a file that cannot be written; what they typed is lost with the page.
  return Boolean(model && !model.readOnly && panel?.context?.contentsModel?.writable !== false);
}
