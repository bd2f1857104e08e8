import type { ICodeCellModel } from '@jupyterlab/cells';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';

import { ERROR_LIMIT, trimmed } from '../notebook/text';
import type { IAskOptions, IContext, ISee } from '../server/request';
import { errorText, Output, outputText, stderrText } from './outputs';

const NOT: ISee = { error: false };
/** Characters of an error's words that are enough to know it by. */
const MOST = 500;
/** Characters of a cell that is asked for anew: what is not sent would be missing in the answer. */
const MOST_CORRECTED = 20_000;
/** Characters of what a command wrote to stderr: the reason stands at its end. */
const MOST_SAID = 2000;
/** The error of a command that failed, as `%%bash` runs one: it tells the exit status and not the reason. */
const COMMAND_FAILED = 'CalledProcessError';

/** A cell, by its notebook and its place there. */
export interface IPlace {
  panel: NotebookPanel;
  index: number;
}

/** A question about a cell, as the sidebar takes it. */
export interface IAbout {
  words: string;
  context: IContext[];
  options?: IAskOptions;
}

/** The active cell of the notebook in front. */
export function activePlace(notebooks: INotebookTracker): IPlace | null {
  const panel = notebooks.currentWidget;
  return panel?.content.activeCell ? { panel, index: panel.content.activeCellIndex } : null;
}

/** The cell that holds an output, wherever that is shown: models are the same in all views. */
export function placeOf(notebooks: INotebookTracker, output: unknown): IPlace | null {
  let found: IPlace | null = null;
  notebooks.forEach(panel => {
    const cells = panel.content.model?.cells;
    for (let index = 0; cells && !found && index < cells.length; index++) {
      const outputs = codeAt({ panel, index })?.outputs;
      for (let n = 0; outputs && n < outputs.length; n++) {
        if ((outputs.get(n) as unknown) === output) {
          found = { panel, index };
        }
      }
    }
  });
  return found;
}

export function sourceAt({ panel, index }: IPlace): string {
  return panel.content.model?.cells.get(index)?.sharedModel.getSource() ?? '';
}

/** The last error that a cell's outputs hold, or null. */
export function errorAt(place: IPlace): Output | null {
  const errors = outputsAt(place).filter(each => each.output_type === 'error');
  return errors[errors.length - 1] ?? null;
}

export function outputsAt(place: IPlace): Output[] {
  return (codeAt(place)?.outputs.toJSON() ?? []) as unknown as Output[];
}

/** A question about an error, with the error and its cell. */
export function aboutError(place: IPlace, error: Output, fix: boolean): IAbout {
  const piece = errorPiece(place, error);
  const { name } = piece;
  const id = place.panel.content.model?.cells.get(place.index)?.id;
  return {
    words: fix
      ? `Fix the ${name}: why does it happen, and what is the corrected cell?`
      : `Explain the ${name}.`,
    context: [
      piece,
      ...(fix ? aboutCell(place, MOST_CORRECTED) : aboutCell(place)),
      ...(error.ename === COMMAND_FAILED ? aboutStderr(place) : [])
    ],
    // A kernel knows of its last error alone, which may be that of a cell that was corrected since.
    options: {
      see: {
        ...(isLast(place) ? lookFor(place, error) : NOT),
        cells: 'around',
        cell_id: id,
        // The server reads the notebook as last saved: older formats keep no ids, and a new cell is not there yet.
        cell_index: place.index
      }
    }
  };
}

/** A cell as context; an empty one is none. */
export function aboutCell(place: IPlace, limit?: number): IContext[] {
  const source = sourceAt(place);
  return source.trim()
    ? [{ kind: 'cell', name: `cell ${place.index + 1}`, text: trimmed(source, 'start', limit) }]
    : [];
}

/** What a cell put out, as context with the cell itself. */
export function aboutOutput(place: IPlace): IContext[] {
  const outputs = outputsAt(place);
  const isError = (each: Output) => each.output_type === 'error';
  const text = outputText(outputs.filter(each => !isError(each)));
  const name = `output of cell ${place.index + 1}`;
  const errors = outputs.filter(isError).map(each => errorPiece(place, each));
  return [
    ...aboutCell(place),
    ...(text ? [{ kind: 'selection' as const, name, text: trimmed(text, 'start') }] : []),
    // Pieces are known by their names.
    ...errors.map((each, at) => {
      const before = errors.slice(0, at).filter(other => other.name === each.name).length;
      return before ? { ...each, name: `${each.name}, number ${before + 1}` } : each;
    })
  ];
}

/** The end of what a cell wrote to stderr, as context. */
function aboutStderr(place: IPlace): IContext[] {
  const text = stderrText(outputsAt(place));
  const name = `stderr of cell ${place.index + 1}`;
  return text.trim() ? [{ kind: 'selection', name, text: trimmed(text, 'end', MOST_SAID) }] : [];
}

/** An error as a piece of its own, which the server leaves without the frames of libraries. */
function errorPiece(place: IPlace, error: Output): IContext {
  return {
    kind: 'error',
    name: `${error.ename || 'error'} in cell ${place.index + 1}`,
    text: trimmed(errorText(error), 'end', ERROR_LIMIT)
  };
}

function codeAt({ panel, index }: IPlace): ICodeCellModel | null {
  const cells = panel.content.model?.cells;
  const cell = cells && index >= 0 && index < cells.length ? cells.get(index) : null;
  return cell?.type === 'code' ? (cell as ICodeCellModel) : null;
}

/** Look into the kernel for an error, and take no other one for it. */
function lookFor(place: IPlace, { ename, evalue }: Output): ISee {
  // The server takes no half of a character.
  const text = (value: unknown) =>
    (typeof value === 'string' ? value : '').slice(0, MOST).replace(/[\uD800-\uDBFF]$/, '');
  const execution_count = codeAt(place)?.executionCount ?? null;
  return {
    error: true,
    shown_error: { ename: text(ename), evalue: text(evalue), execution_count }
  };
}

/** Whether no cell failed after this one. */
function isLast(place: IPlace): boolean {
  const count = (index: number) => codeAt({ ...place, index })?.executionCount ?? 0;
  const own = count(place.index);
  return [...Array(place.panel.content.model?.cells.length ?? 0).keys()].every(
    index => count(index) <= own || !errorAt({ ...place, index })
  );
}
