import assert from 'node:assert/strict';
import { test } from 'node:test';

import module from '../lib/test/inline/kept.js';

const { GONE, keptWords, putKept } = module;

function notebook(more = {}) {
  const put = [];
  const sharedModel = {
    cells: [{ getId: () => 'a' }],
    transact: run => run(),
    insertCell: (at, cell) => put.push([at, cell.cell_type, cell.source])
  };
  const content = {
    activeCell: { model: { id: 'a' } },
    model: { sharedModel, readOnly: false },
    scrollToItem: async () => {}
  };
  const panel = { content, context: { contentsModel: { writable: true } }, ...more };
  return { panel, put };
}

for (const kind of ['code', 'markdown', 'raw']) {
  test(`what was proposed for a ${kind} cell that is gone is put into one of its kind`, () => {
    const { panel, put } = notebook();
    assert.ok(putKept(panel, { source: 'Some words', kind, why: GONE }));
    assert.deepEqual(put, [[1, kind, 'Some words']]);
  });
}

test('into a notebook that is closed nothing is put', () => {
  const { panel, put } = notebook({ isDisposed: true, content: {} });
  assert.equal(putKept(panel, { source: 'x', kind: 'code', why: GONE }), null);
  assert.deepEqual(put, []);
});

test('what has become of the cell is told', () => {
  const words = keptWords({ source: 'x', kind: 'code', why: GONE });
  assert.equal(words, 'The cell is gone; what was proposed for it is kept.');
});
