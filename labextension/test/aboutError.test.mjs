import assert from 'node:assert/strict';
import { test } from 'node:test';

import module from '../lib/test/cellTools/about.js';

const { aboutError, errorAt } = module;
const ERROR = { output_type: 'error', ename: 'KeyError', evalue: "'b'", traceback: [] };

/** A notebook of code cells, each its count and what it put out. */
function notebook(...cells) {
  const models = cells.map(([executionCount, ...outputs], index) => ({
    type: 'code',
    id: `c${index}`,
    executionCount,
    outputs: { toJSON: () => outputs },
    sharedModel: { getSource: () => `cell ${index}` }
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
