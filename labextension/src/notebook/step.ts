import type { ISharedCell, ISharedNotebook, SharedCell } from '@jupyter/ydoc';

const CLOSED = 'Nothing was taken back: the notebook has been closed since.';
const CHANGED =
  'Nothing was taken back: that cell has been changed or removed since. ' +
  'Undo in the notebook goes back step by step.';

/** A cell that is changed or put in, and what is there before: its text, the cell in whose place it comes, or nothing. */
export interface IChange {
  id: string;
  before: string | SharedCell.Cell | null;
}

/** Whose changes both keep as a step: the notebook and the cell in it. */
const BOTH = {};

type Told = (told: { stackItem: unknown; type: 'undo' | 'redo' }) => void;

interface ISteps {
  readonly undoStack: unknown[];
  stopCapturing(): void;
  addTrackedOrigin(origin: unknown): void;
  on(what: 'stack-item-popped' | 'stack-item-added', then: Told): void;
  off(what: 'stack-item-popped' | 'stack-item-added', then: Told): void;
}

/** The model of a notebook or of a cell, with its undoable steps; Lab's interfaces do not tell of them. */
interface IStepped {
  readonly isDisposed: boolean;
  undo(): boolean;
  undoManager?: ISteps | null;
}

/**
 * Change a cell's source as one step for whoever takes it back: undo in the cell, and undo in the notebook, which
 * would otherwise take back what was done to its cells before.
 */
export function inBoth(notebook: ISharedNotebook, cell: ISharedCell, run: () => void): void {
  const { ydoc } = notebook as unknown as { ydoc?: { transact(f: () => void, by: unknown): void } };
  const whole = (notebook as unknown as IStepped).undoManager;
  const own = (cell as unknown as IStepped).undoManager;
  if (!ydoc || !whole || !own || whole === own) {
    return run();
  }
  for (const steps of [whole, own]) {
    steps.addTrackedOrigin(BOTH);
    steps.stopCapturing();
  }
  ydoc.transact(run, BOTH);
  for (const steps of [whole, own]) {
    steps.stopCapturing();
  }
  once(whole, own);
}

/**
 * See that the newest step of two is taken back by one of them only, and in the notebook only until the cell has a
 * newer one. Otherwise Yjs would delete what came since, or what was brought again, and restore nothing.
 */
function once(whole: ISteps, own: ISteps): void {
  const [there, here] = [whole, own].map(steps => steps.undoStack[steps.undoStack.length - 1]);
  const end = (steps: ISteps, step: unknown) => {
    const at = steps.undoStack.indexOf(step);
    if (at >= 0) {
      steps.undoStack.splice(at, 1);
    }
    whole.off('stack-item-popped', onWhole);
    own.off('stack-item-popped', onOwn);
    own.off('stack-item-added', onNewer);
  };
  const onWhole: Told = ({ stackItem }) => stackItem === there && end(own, here);
  const onOwn: Told = ({ stackItem }) => stackItem === here && end(whole, there);
  const onNewer: Told = ({ type }) => type === 'undo' && end(whole, there);
  whole.on('stack-item-popped', onWhole);
  own.on('stack-item-popped', onOwn);
  own.on('stack-item-added', onNewer);
}

/**
 * Change a cell as one undoable step of `owner`: the notebook or the cell. Returns how to take that change back, and
 * nothing else that was done since; that returns why it was not done, or null.
 */
export function stepIn(
  notebook: ISharedNotebook,
  owner: unknown,
  change: IChange,
  run: () => void
): () => string | null {
  const stepped = owner as IStepped;
  const steps = stepped.undoManager;
  // Yjs joins edits that follow each other closely; a click is a step of its own.
  steps?.stopCapturing();
  run();
  steps?.stopCapturing();
  const step = newest(stepped);
  const place = () => notebook.cells.findIndex(cell => cell.getId() === change.id);
  const after = notebook.cells[place()]?.getSource();
  return () => {
    if (notebook.isDisposed) {
      return CLOSED;
    }
    const at = place();
    if (at < 0 || notebook.getCell(at).getSource() !== after) {
      return CHANGED;
    }
    if (!stepped.isDisposed && step !== null && step === newest(stepped)) {
      stepped.undo();
    } else {
      reverse(notebook, at, change);
    }
    return null;
  };
}

/** Take a change back that others have followed, as a step of its own. */
function reverse(notebook: ISharedNotebook, at: number, { before }: IChange): void {
  notebook.transact(() => {
    if (typeof before === 'string') {
      notebook.getCell(at).setSource(before);
      return;
    }
    notebook.deleteCell(at);
    if (before) {
      notebook.insertCell(at, before);
    }
  });
}

function newest({ undoManager }: IStepped): unknown {
  const stack = undoManager?.undoStack ?? [];
  return stack[stack.length - 1] ?? null;
}
