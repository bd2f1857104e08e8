import assert from 'node:assert/strict';
import { test } from 'node:test';

import module from '../lib/test/composer/waiting.js';

const { Waiting } = module;

function store() {
  const kept = new Map();
  return {
    kept,
    getItem: key => kept.get(key) ?? null,
    setItem: (key, value) => kept.set(key, value),
    removeItem: key => kept.delete(key)
  };
}

const ask = words => ({ words, context: [], attachments: [], options: {} });
const words = waiting => waiting.asks.map(each => each.words);

test('what waits outlives a reload, before what was typed since, and is held', () => {
  const tab = store();
  const before = new Waiting(tab);
  before.keepAs('a.ipynb#');
  before.add(ask('one'));
  before.keepAs('a.ipynb#c_1');
  before.add(ask('two'));
  assert.ok(!before.isHeld);
  const after = new Waiting(tab);
  after.add(ask('three'));
  after.keepAs('a.ipynb#c_1');
  assert.deepEqual(words(after), ['one', 'two', 'three']);
  assert.ok(after.isHeld);
  for (const each of [...after.asks]) {
    after.remove(each);
  }
  assert.equal(tab.kept.size, 0);
});

test('a store that holds nonsense is as good as none', () => {
  const good = ask('one');
  const bad = [null, 7, { words: 'no more than that' }, { ...good, context: 'x' }];
  for (const found of ['nonsense', '{}', JSON.stringify([...bad, good])]) {
    const tab = store();
    tab.setItem('tether:queued:x', found);
    const waiting = new Waiting(tab);
    waiting.keepAs('x');
    assert.deepEqual(words(waiting), found.startsWith('[') ? ['one'] : []);
  }
});

test('what the store has no room for is not kept in part, so that nothing is asked twice', () => {
  const tab = store();
  const waiting = new Waiting(tab);
  waiting.keepAs('x');
  waiting.add(ask('one'));
  tab.setItem = () => {
    throw new Error('full');
  };
  waiting.add(ask('two'));
  assert.deepEqual(words(waiting), ['one', 'two']);
  assert.equal(tab.kept.size, 0);
});
