import assert from 'node:assert/strict';
import { test } from 'node:test';

import { YNotebook } from '@jupyter/ydoc';

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

/** A notebook of these cells as Lab has it, with an undo for each cell or one for all. */
function labs(t, each, ...sources) {
  const cells = sources.map((source, at) => ({
    ...{ cell_type: 'code', id: `c${at}`, source, metadata: {} },
    ...{ outputs: [], execution_count: null }
  }));
  const model = YNotebook.create({ disableDocumentWideUndoRedo: each, data: { cells } });
  model.clearUndoHistory();
  t.after(() => model.dispose());
  const content = { model: { sharedModel: model, readOnly: false }, scrollToItem: async () => {} };
  const panel = { content, context: { contentsModel: { writable: true } } };
  return { panel, model, sources: () => model.cells.map(cell => cell.getSource()) };
}

const KINDS = [true, false];
const fresh = { cell_type: 'code', source: '' };

test('what was put in can be taken back, and what was undone is there to be redone', t => {
  for (const each of KINDS) {
    const { panel, model, sources } = labs(t, each, 'a', 'b');
    assert.equal(putSource(panel, 'below', 'c0', 'new').undo(), null);
    assert.deepEqual(sources(), ['a', 'b']);
    model.redo();
    assert.deepEqual(sources(), ['a', 'new', 'b']);
    assert.equal(putSource(panel, 'replace', 'c1', 'B').undo(), null);
    assert.deepEqual(sources(), ['a', 'new', 'b']);
  }
});

test('nothing else is taken back with it: cells that came since, and words that were typed at once', t => {
  for (const each of KINDS) {
    const { panel, model, sources } = labs(t, each, 'a', 'b');
    const inserted = putSource(panel, 'below', 'c0', 'new');
    model.insertCell(3, fresh);
    assert.equal(inserted.undo(), null);
    assert.deepEqual(sources(), ['a', 'b', '']);
    const replaced = putSource(panel, 'replace', 'c1', 'B');
    model.getCell(0).updateSource(1, 1, ' = 1');
    model.insertCell(0, fresh);
    assert.equal(replaced.undo(), null);
    assert.deepEqual(sources(), ['', 'a = 1', 'b', '']);
    const other = putSource(panel, 'replace', 'c0', '# A', 'markdown');
    model.insertCell(0, fresh);
    assert.equal(other.undo(), null);
    assert.deepEqual(sources(), ['', '', 'a = 1', 'b', '']);
    assert.deepEqual([model.getCell(2).cell_type, model.getCell(2).getId()], ['code', 'c0']);
  }
});

test('a cell in which somebody has typed since is left as it is, and so is one that is gone', t => {
  for (const each of KINDS) {
    const { panel, model, sources } = labs(t, each, 'a');
    const inserted = putSource(panel, 'below', 'c0', 'new');
    const replaced = putSource(panel, 'replace', 'c0', 'A');
    model.getCell(0).updateSource(1, 1, ' = 1');
    model.getCell(1).updateSource(3, 3, ' = 2');
    assert.match(replaced.undo(), /changed or removed since/);
    assert.match(inserted.undo(), /changed or removed since/);
    assert.deepEqual(sources(), ['A = 1', 'new = 2']);
    model.deleteCell(1);
    assert.match(inserted.undo(), /changed or removed since/);
    assert.deepEqual(sources(), ['A = 1']);
  }
});

test('undo in a cell takes back what took its place, as one step, and redo brings it again', t => {
  for (const each of KINDS) {
    const { panel, model, sources } = labs(t, each, 'print(to)', 'b');
    const cell = model.getCell(0);
    cell.updateSource(8, 8, 'tals');
    putSource(panel, 'replace', 'c0', 'print(sum(xs))');
    cell.undo();
    assert.deepEqual(sources(), ['print(totals)', 'b']);
    cell.undo();
    assert.deepEqual(sources(), ['print(to)', 'b']);
    cell.redo();
    cell.redo();
    assert.deepEqual(sources(), ['print(sum(xs))', 'b']);
  }
});

test('undo in the notebook takes it back as well, not the cell that was put in before', t => {
  for (const each of KINDS) {
    const { panel, model, sources } = labs(t, each, 'a');
    model.insertCell(1, fresh);
    putSource(panel, 'replace', model.getCell(1).getId(), 'total / 3');
    model.undo();
    assert.deepEqual(sources(), ['a', '']);
    model.redo();
    assert.deepEqual(sources(), ['a', 'total / 3']);
    model.undo();
    assert.deepEqual(sources(), ['a', '']);
  }
});

test('what one has taken back, brought again or followed is none of the other: nothing is lost', t => {
  const whole = labs(t, true, 'a', 'b');
  whole.model.insertCell(2, fresh);
  putSource(whole.panel, 'replace', 'c1', 'B');
  whole.model.getCell(1).undo();
  assert.deepEqual(whole.sources(), ['a', 'b', '']);
  whole.model.getCell(1).redo();
  assert.deepEqual(whole.sources(), ['a', 'B', '']);
  whole.model.undo();
  assert.deepEqual(whole.sources(), ['a', 'B']);

  const own = labs(t, true, 'a', 'b');
  putSource(own.panel, 'replace', 'c1', 'B');
  own.model.undo();
  own.model.redo();
  own.model.getCell(1).undo();
  assert.deepEqual(own.sources(), ['a', 'B']);
  own.model.undo();
  assert.deepEqual(own.sources(), ['a', 'b']);

  const typed = labs(t, true, 'a', 'b');
  typed.model.insertCell(2, fresh);
  putSource(typed.panel, 'replace', 'c1', 'B');
  typed.model.getCell(1).updateSource(1, 1, ' = 1');
  typed.model.undo();
  assert.deepEqual(typed.sources(), ['a', 'B = 1']);
  typed.model.getCell(1).undo();
  typed.model.getCell(1).undo();
  assert.deepEqual(typed.sources(), ['a', 'b']);
});

test('nothing is done to a notebook that was closed', t => {
  const { panel, model } = labs(t, true, 'a');
  const inserted = putSource(panel, 'below', 'c0', 'new');
  model.dispose();
  assert.match(inserted.undo(), /closed/);
});

test('a selection that was replaced comes back, and words that were typed since stay', t => {
  for (const each of KINDS) {
    const { panel, model, sources } = labs(t, each, 'a + b', 'c');
    const cell = model.getCell(0);
    const editor = {
      getSelection: () => ({ start: 4, end: 5 }),
      getOffsetAt: at => at,
      replaceSelection: text => cell.updateSource(4, 5, text)
    };
    panel.content.widgets = [{ editor, model: { sharedModel: cell } }];
    const first = putSource(panel, 'selection', 'c0', 'B');
    assert.deepEqual(sources(), ['a + B', 'c']);
    model.getCell(1).updateSource(1, 1, ' = 1');
    assert.equal(first.undo(), null);
    assert.deepEqual(sources(), ['a + b', 'c = 1']);
    const second = putSource(panel, 'selection', 'c0', 'B');
    cell.updateSource(5, 5, '!');
    assert.match(second.undo(), /changed or removed since/);
    assert.deepEqual(sources(), ['a + B!', 'c = 1']);
  }
});
