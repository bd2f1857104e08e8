import assert from 'node:assert/strict';
import { test } from 'node:test';

import hits from '../lib/test/chat/hits.js';

const { placesOf } = hits;
const found = (text, ...words) =>
  placesOf(text, words).map(([from, to]) => `${from} ${text.slice(from, to)}`);

test('one word is found where it first stands by itself', () => {
  assert.deepEqual(found('subtotal, then total and total', 'total'), ['15 total']);
});

test('a word that only stands inside of others is found there', () => {
  assert.deepEqual(found('合計を計算する', '計算'), ['3 計算']);
});

test('of several places the one that most words follow is meant', () => {
  const far = 'join. '.padEnd(400, '-');
  assert.deepEqual(found(`${far}join the left frame`, 'join', 'left', 'frame'), [
    '400 join',
    '409 left',
    '414 frame'
  ]);
  // The words of a phrase may be on two lines.
  assert.deepEqual(found('a left\nframe', 'left frame'), ['2 left', '7 frame']);
});

test('words that the text does not have are not looked for in vain', () => {
  assert.deepEqual(found('nothing of it', 'needle', 'of'), []);
  assert.deepEqual(found('nothing of it'), []);
  assert.deepEqual(found('a needle', 'needle', 'hay'), ['2 needle']);
});
