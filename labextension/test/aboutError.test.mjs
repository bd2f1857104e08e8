import assert from 'node:assert/strict';
import { test } from 'node:test';

import module from '../lib/test/cellTools/about.js';

const { aboutError, aboutOutput, errorAt } = module;
const ERROR = { output_type: 'error', ename: 'KeyError', evalue: "'b'", traceback: [] };

/** A notebook of code cells, each its count and what it put out. */
const notebook = (...cells) => notebookOf(null, ...cells);

function notebookOf(source, ...cells) {
  const models = cells.map(([executionCount, ...outputs], index) => ({
    type: 'code',
    id: `c${index}`,
    executionCount,
    outputs: { toJSON: () => outputs },
    sharedModel: { getSource: () => source ?? `cell ${index}` }
  }));
  return { content: { model: { cells: { length: models.length, get: at => models[at] } } } };
}

function see(panel, index) {
  const place = { panel, index };
  return aboutError(place, errorAt(place), true).options.see;
}

test('a question about an error carries what it is known by', () => {
  // The cell below failed after it, and was corrected: nothing here says so.
  const panel = notebook([3, ERROR], [5]);
  assert.deepEqual(see(panel, 0), {
    error: true,
    shown_error: { ename: 'KeyError', evalue: "'b'", execution_count: 3 },
    cells: 'around',
    cell_id: 'c0'
  });
});

test('the kernel is asked nothing where a later error still shows', () => {
  const panel = notebook([3, ERROR], [4, ERROR]);
  assert.deepEqual(see(panel, 0), { error: false, cells: 'around', cell_id: 'c0' });
  assert.equal(see(panel, 1).error, true);
});

test('of long words there is enough, and no half of a character', () => {
  const { evalue } = see(
    notebook([1, { ...ERROR, evalue: `${'x'.repeat(499)}😀 more` }]),
    0
  ).shown_error;
  assert.equal(evalue, 'x'.repeat(499));
  const { ename } = see(notebook([1, { ...ERROR, ename: undefined }]), 0).shown_error;
  assert.equal(ename, '');
});

test('a question about an output has each error as a piece of its own, with its message', () => {
  const frames = Array.from({ length: 300 }, (_, n) => `File ~/site-packages/lib.py:${n}, in f()`);
  const error = { ...ERROR, traceback: [...frames, "KeyError: 'b'"] };
  const printed = { output_type: 'stream', name: 'stdout', text: 'loading' };
  const pieces = aboutOutput({ panel: notebook([1, printed, error, ERROR]), index: 0 });
  assert.deepEqual(
    pieces.map(each => [each.kind, each.name]),
    [
      ['cell', 'cell 1'],
      ['selection', 'output of cell 1'],
      ['error', 'KeyError in cell 1'],
      ['error', 'KeyError in cell 1, number 2']
    ]
  );
  assert.equal(pieces[1].text, 'loading');
  assert.match(pieces[2].text, /KeyError: 'b'$/);
});

test('a cell that is to be corrected goes along whole, up to a length', () => {
  const source = 'value = 1\n'.repeat(1500);
  const panel = notebookOf(source, [1, ERROR]);
  const [, cell] = aboutError({ panel, index: 0 }, ERROR, true).context;
  assert.equal(cell.text, source);
  const [, explained] = aboutError({ panel, index: 0 }, ERROR, false).context;
  assert.equal(explained.text.length, 4000);
});
