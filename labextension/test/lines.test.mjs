import assert from 'node:assert/strict';
import { test } from 'node:test';

import module from '../lib/test/inline/lines.js';

const { applied, diffLines, linesChanged } = module;

const lines = text => text.split('');

test('a changed line is one line taken away and one put in its place', () => {
  assert.deepEqual(diffLines(lines('abc'), lines('aXc'), true), [{ from: 1, to: 2, lines: ['X'] }]);
});

test('equal texts have no changes', () => {
  assert.deepEqual(diffLines(lines('abc'), lines('abc'), true), []);
  assert.deepEqual(diffLines([], [], true), []);
});

test('an empty text takes everything, and gives everything', () => {
  assert.deepEqual(diffLines([], lines('ab'), true), [{ from: 0, to: 0, lines: ['a', 'b'] }]);
  assert.deepEqual(diffLines(lines('ab'), [], true), [{ from: 0, to: 2, lines: [] }]);
});

test('changes that are apart stay apart', () => {
  const hunks = diffLines(lines('abcdef'), lines('Xbcdef9'), true);
  assert.deepEqual(hunks, [
    { from: 0, to: 1, lines: ['X'] },
    { from: 6, to: 6, lines: ['9'] }
  ]);
  assert.equal(linesChanged(hunks), 2);
});

test('a text that is still written says nothing of what it has not reached', () => {
  assert.deepEqual(diffLines(lines('abcdef'), lines('ab'), false), []);
  assert.deepEqual(diffLines(lines('abcdef'), [], false), []);
  assert.deepEqual(diffLines(lines('abcdef'), lines('aX'), false), [
    { from: 1, to: 1, lines: ['X'] }
  ]);
  assert.deepEqual(diffLines(lines('abcdef'), lines('aXc'), false), [
    { from: 1, to: 2, lines: ['X'] }
  ]);
  assert.deepEqual(diffLines(lines('abcdef'), lines('cdef'), false), [
    { from: 0, to: 2, lines: [] }
  ]);
});

test('of all texts, the changes make the new one of the old one, with the fewest lines', () => {
  let seed = 7;
  const random = n => (seed = (seed * 1103515245 + 12345) % 2147483648) % n;
  const some = () => Array.from({ length: random(14) }, () => 'abcd'[random(4)]);
  for (let round = 0; round < 3000; round++) {
    const [old, now] = [some(), some()];
    const hunks = diffLines(old, now, true);
    assert.deepEqual(applied(old, hunks), now);
    const cost = hunks.reduce((sum, h) => sum + h.to - h.from + h.lines.length, 0);
    assert.equal(cost, old.length + now.length - 2 * common(old, now));
    const open = diffLines(old, now, false);
    const reached = now.length - open.reduce((sum, h) => sum + h.lines.length - (h.to - h.from), 0);
    assert.deepEqual(applied(old.slice(0, reached), open), now);
  }
});

test('texts that have nothing in common are replaced, however long they are', () => {
  const old = Array.from({ length: 900 }, (_, n) => `old ${n}`);
  const now = Array.from({ length: 900 }, (_, n) => `new ${n}`);
  const hunks = diffLines(old, now, true);
  assert.deepEqual(hunks, [{ from: 0, to: 900, lines: now }]);
  assert.deepEqual(diffLines(old, now, false), [{ from: 0, to: 0, lines: now }]);
});

function common(a, b) {
  const row = Array(b.length + 1).fill(0);
  for (const x of a) {
    let corner = 0;
    b.forEach((y, j) => {
      const above = row[j + 1];
      row[j + 1] = x === y ? corner + 1 : Math.max(above, row[j]);
      corner = above;
    });
  }
  return row[b.length];
}
