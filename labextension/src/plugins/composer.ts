import { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import type { CodeEditor } from '@jupyterlab/codeeditor';
import { PathExt } from '@jupyterlab/coreutils';

import { around, ISelection } from '../composer/around';

/** What the composer may look at in Lab: files by their names, and the selection in an editor. */
export const composer: JupyterFrontEndPlugin<void> = {
  id: '@tether/jupyterlab:composer',
  description: 'Lets questions name files and what is selected in an editor.',
  autoStart: true,
  activate: (app: JupyterFrontEnd) => {
    around.contents = app.serviceManager.contents;
    around.fileSelection = () => selectionIn(app.shell.currentWidget);
  }
};

/** A document whose content has an editor, whichever extension made it. */
interface IEditorDocument {
  content?: { editor?: CodeEditor.IEditor };
  context?: { path?: string };
}

function selectionIn(widget: unknown): ISelection | null {
  const { content, context } = (widget ?? {}) as IEditorDocument;
  const editor = content?.editor;
  if (!editor || typeof editor.getSelection !== 'function') {
    return null;
  }
  const text = textIn(editor);
  return text ? { where: PathExt.basename(context?.path ?? '') || 'the editor', text } : null;
}

function textIn(editor: CodeEditor.IEditor): string {
  const { start, end } = editor.getSelection();
  const [a, b] = [editor.getOffsetAt(start), editor.getOffsetAt(end)];
  return editor.model.sharedModel.getSource().slice(Math.min(a, b), Math.max(a, b));
}
