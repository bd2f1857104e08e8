import assert from 'node:assert/strict';
import { test } from 'node:test';

import module from '../lib/test/notebook/edit.js';

const { putSource } = module;

/** A notebook of one cell with this metadata, as far as putting source into it goes. */
function notebook(metadata = {}, writable = true) {
  const done = [];
  const cell = {
    cell_type: 'code',
    getId: () => 'a',
    getSource: () => 'x = 1',
    setSource: text => done.push(text),
    getMetadata: key => metadata[key]
  };
  const sharedModel = {
    cells: [cell],
    getCell: () => cell,
    transact: run => run(),
    insertCell: (at, { source }) => done.push(source),
    deleteCell: () => done.push('deleted'),
    undo: () => {}
  };
  const content = { model: { sharedModel, readOnly: false }, scrollToItem: async () => {} };
  return { panel: { content, context: { contentsModel: { writable } } }, done };
}

test('a cell that is locked is not replaced, and code can go beside it', () => {
  const { panel, done } = notebook({ editable: false });
  const edit = putSource(panel, 'replace', 'a', 'x = 2');
  assert.deepEqual(edit, { words: 'Nothing was replaced: cell 1 is locked.', undo: null });
  assert.equal(putSource(panel, 'selection', 'a', 'x = 2').undo, null);
  assert.deepEqual(done, []);
  putSource(panel, 'below', 'a', 'x = 2');
  assert.deepEqual(done, ['x = 2']);
});

test('a cell that may not be deleted is not made one of another kind', () => {
  const { panel, done } = notebook({ deletable: false });
  assert.equal(putSource(panel, 'replace', 'a', 'words', 'markdown').undo, null);
  assert.deepEqual(done, []);
  putSource(panel, 'replace', 'a', 'x = 2');
  assert.deepEqual(done, ['x = 2']);
});

test('nothing is put into a file that cannot be saved', () => {
  const { panel, done } = notebook({}, false);
  assert.equal(putSource(panel, 'below', 'a', 'x = 2'), null);
  assert.deepEqual(done, []);
});
