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
    cell_id: 'c0',
    cell_index: 0
  });
});

test('the kernel is asked nothing where a later error still shows', () => {
  const panel = notebook([3, ERROR], [4, ERROR]);
  const around = { cells: 'around', cell_id: 'c0', cell_index: 0 };
  assert.deepEqual(see(panel, 0), { error: false, ...around });
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

test('where a command failed, the end of what it wrote to stderr goes along: the reason', () => {
  const failed = { ...ERROR, ename: 'CalledProcessError', evalue: 'exit status 127.' };
  const stream = (name, text) => ({ output_type: 'stream', name, text });
  const said = ['\u001b[31mwarning\u001b[0m\n'.repeat(500), 'bash: gitt: command not found\n'];
  const outputs = [stream('stdout', 'cloning'), stream('stderr', said)];
  const panel = notebook([1, ...outputs, failed], [2, ...outputs, ERROR], [3, failed]);
  const along = (index, fix) =>
    aboutError({ panel, index }, errorAt({ panel, index }), fix).context.map(each => each.name);
  const names = ['CalledProcessError in cell 1', 'cell 1', 'stderr of cell 1'];
  assert.deepEqual(along(0, true), names);
  assert.deepEqual(along(0, false), names);
  const [, , piece] = aboutError({ panel, index: 0 }, failed, true).context;
  assert.deepEqual([piece.kind, piece.text.length], ['selection', 2000]);
  assert.match(piece.text, /\nwarning\nbash: gitt: command not found\n$/);
  assert.doesNotMatch(piece.text, /cloning/);
  // Others tell their reason themselves, and stderr holds warnings and bars.
  assert.deepEqual(along(1, true), ['KeyError in cell 2', 'cell 2']);
  assert.deepEqual(along(2, true), ['CalledProcessError in cell 3', 'cell 3']);
});
