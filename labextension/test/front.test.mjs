import assert from 'node:assert/strict';
import { test } from 'node:test';

import fronts from '../lib/test/chat/front.js';

const { Front } = fronts;

function tab(kept = new Map()) {
  return {
    kept,
    getItem: key => kept.get(key) ?? null,
    setItem: (key, value) => kept.set(key, value),
    removeItem: key => kept.delete(key)
  };
}

test('a reload finds the conversation that stood before its notebook, once the notebook is there', () => {
  const store = tab();
  const before = new Front(store);
  assert.equal(before.follow(null), null);
  assert.equal(before.follow('a.ipynb'), null);
  before.keep('a.ipynb', 'c_7');
  const after = new Front(store);
  assert.equal(after.follow(null), null);
  assert.equal(after.follow('b.ipynb'), null);
  assert.equal(after.follow('a.ipynb'), 'c_7');
  // It holds until another notebook comes, as it did before.
  assert.equal(new Front(store).follow('a.ipynb'), 'c_7');
  assert.equal(after.follow('b.ipynb'), null);
  assert.equal(after.follow('a.ipynb'), null);
  assert.equal(store.kept.size, 0);
});

test('what is chosen after a reload is not undone by what stood there before it', () => {
  const store = tab();
  new Front(store).keep('a.ipynb', 'c_7');
  const after = new Front(store);
  after.clear();
  assert.equal(after.follow('a.ipynb'), null);
  assert.equal(store.kept.size, 0);
});

test('a notebook that is renamed keeps what stands before it', () => {
  const store = tab();
  const front = new Front(store);
  front.keep('a.ipynb', 'c_7');
  front.rename('b.ipynb', 'c.ipynb');
  front.rename('a.ipynb', 'z.ipynb');
  assert.equal(new Front(store).follow('z.ipynb'), 'c_7');
});

test('a store that is forbidden, full or spoilt only forgets', () => {
  const no = () => {
    throw new Error('no');
  };
  const front = new Front({ getItem: no, setItem: no, removeItem: no });
  front.keep('a.ipynb', 'c_7');
  assert.equal(front.follow('b.ipynb'), null);
  assert.equal(new Front(null).follow(null), null);
  for (const spoilt of ['{', '7', '{"path": 3, "conversation": "c_1"}', '{"path": null}']) {
    assert.equal(new Front(tab(new Map([['tether:front', spoilt]]))).follow(null), null);
  }
});
