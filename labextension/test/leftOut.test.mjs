import assert from 'node:assert/strict';
import { test } from 'node:test';

import module from '../lib/test/composer/leftOut.js';

const { LeftOut } = module;

function store() {
  const kept = new Map();
  return {
    kept,
    getItem: key => kept.get(key) ?? null,
    setItem: (key, value) => kept.set(key, value),
    removeItem: key => kept.delete(key)
  };
}

test('what was left out is left out after a reload, also of a conversation that got its id since', () => {
  const tab = store();
  const before = new LeftOut(tab);
  before.keepAs('a.ipynb#');
  before.add('cell cell 2');
  before.keepAs('a.ipynb#c_1');
  const after = new LeftOut(tab);
  after.keepAs('a.ipynb#');
  assert.ok(!after.has('cell cell 2'));
  after.keepAs('a.ipynb#c_1');
  assert.ok(after.has('cell cell 2'));
  const other = new LeftOut(tab);
  other.keepAs('b.ipynb#c_2');
  assert.ok(!other.has('cell cell 2'));
});

test('a new conversation forgets it, and nothing stays behind', () => {
  const tab = store();
  const left = new LeftOut(tab);
  left.keepAs('a.ipynb#c_1');
  left.add('cell cell 2');
  left.clear();
  left.keepAs('a.ipynb#c_2');
  assert.ok(!left.has('cell cell 2'));
  assert.equal(tab.kept.size, 0);
});

test('the newest hundred are kept, and a store that holds nonsense is as good as none', () => {
  const tab = store();
  tab.setItem('tether:left-out:x', 'nonsense');
  const left = new LeftOut(tab);
  left.keepAs('x');
  for (let n = 0; n < 101; n++) {
    left.add(`cell cell ${n}`);
  }
  const after = new LeftOut(tab);
  after.keepAs('x');
  assert.ok(!after.has('cell cell 0'));
  assert.ok(after.has('cell cell 1') && after.has('cell cell 100'));
});

test('a store that refuses to write loses nothing but a reload', () => {
  const left = new LeftOut({
    ...store(),
    setItem: () => {
      throw new Error('full');
    }
  });
  left.keepAs('x');
  left.add('cell cell 2');
  assert.ok(left.has('cell cell 2'));
});
