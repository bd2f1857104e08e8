import type { EditorView } from '@codemirror/view';
import type { CodeEditor } from '@jupyterlab/codeeditor';
import type { Notebook, NotebookPanel } from '@jupyterlab/notebook';
import type { Widget } from '@lumino/widgets';

import { languageOf } from '../notebook/language';
import type { ICellText } from './around';

/** An editor with a cursor in it, and what stands around. */
export interface IPlace {
  /** The notebook, file or console that the editor is in. */
  widget: Widget;
  editor: CodeEditor.IEditor;
  view: EditorView;
  /** All of the editor's text, on both sides of the cursor. */
  prefix: string;
  suffix: string;
  mimeType: string;
  /** What the code is written in; empty where nobody knows. */
  language: string;
  /** The cells before, in a notebook. */
  cells: ICellText[];
}

/** Types of text that are not called as their language is. */
const SPOKEN: Record<string, string> = {
  rsrc: 'R',
  csrc: 'C',
  'c++src': 'C++',
  csharp: 'C#',
  sh: 'shell'
};
/** Cells before the cursor's that are looked at. */
const CELLS = 40;

/** The place of the cursor in a notebook, a file or a console; null where there is none to complete at. */
export function placeOf(widget: Widget): IPlace | null {
  const editor = editorOf(widget);
  const view = (editor as { editor?: EditorView } | null)?.editor;
  if (!editor || editor.isDisposed || !view?.state) {
    return null;
  }
  const { main, ranges } = view.state.selection;
  if (ranges.length > 1 || !main.empty) {
    return null;
  }
  const text = view.state.doc.toString();
  return {
    widget,
    editor,
    view,
    prefix: text.slice(0, main.head),
    suffix: text.slice(main.head),
    mimeType: editor.model.mimeType,
    language: languageAt(widget, editor.model.mimeType),
    cells: cellsBefore(widget)
  };
}

/** Whether an editor's text and cursor still are those of a place. */
export function isStill(place: IPlace): boolean {
  const { state } = place.view;
  return (
    !place.editor.isDisposed &&
    !place.widget.isDisposed &&
    state.selection.main.empty &&
    state.selection.main.head === place.prefix.length &&
    state.doc.length === place.prefix.length + place.suffix.length &&
    state.doc.toString() === place.prefix + place.suffix
  );
}

/** Whether nothing may be written here, or somebody is in the middle of composing a character. */
export function isClosed({ view }: IPlace): boolean {
  return (
    view.state.readOnly ||
    view.contentDOM.contentEditable === 'false' ||
    view.composing ||
    view.compositionStarted
  );
}

/** Whether a text can be shown at a place as it was. */
export function isOpen(place: IPlace): boolean {
  return isStill(place) && !isClosed(place);
}

/** Whether a text of this kind is written for people. */
export function isProse(mimeType: string): boolean {
  return /^text\/(?:plain|markdown|x-markdown|x-ipythongfm|x-gfm|x-rst|x-latex|x-tex)$/.test(
    mimeType
  );
}

/** A notebook's language, else what the type of the text is called after: `text/x-julia`. */
export function languageAt(widget: Widget, mimeType: string): string {
  if (isProse(mimeType)) {
    return '';
  }
  const name = /^(?:text|application)\/(?:x-|vnd\.)?([\w.+#-]+)$/.exec(mimeType)?.[1] ?? '';
  return languageOf(widget as unknown as NotebookPanel) || (SPOKEN[name] ?? name);
}

function editorOf(widget: Widget): CodeEditor.IEditor | null {
  const { content, console } = widget as unknown as {
    content?: { activeCell?: { editor: CodeEditor.IEditor | null }; editor?: CodeEditor.IEditor };
    console?: { promptCell?: { editor: CodeEditor.IEditor | null } };
  };
  return content?.activeCell?.editor ?? content?.editor ?? console?.promptCell?.editor ?? null;
}

function cellsBefore(widget: Widget): ICellText[] {
  const notebook = (widget as unknown as { content?: Notebook }).content;
  const cells = notebook?.model?.cells;
  if (!notebook || !cells || typeof notebook.activeCellIndex !== 'number') {
    return [];
  }
  const found: ICellText[] = [];
  const end = notebook.activeCellIndex;
  for (let at = Math.max(0, end - CELLS); at < end && at < cells.length; at++) {
    const { type, sharedModel } = cells.get(at);
    found.push({ type, source: sharedModel.getSource() });
  }
  return found;
}
