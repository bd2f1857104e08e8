import assert from 'node:assert/strict';
import { test } from 'node:test';

import history from '../lib/test/server/history.js';

const { newestBranch, textOf } = history;

const message = (id, parent_id) => ({ id, parent_id });
const ids = branch => branch.map(each => each.id);

test('of several answers to one question the newest is on the branch', () => {
  const stored = [message('q', null), message('a1', 'q'), message('a2', 'q')];
  assert.deepEqual(ids(newestBranch(stored)), ['q', 'a2']);
});

test('what was said after an older answer is not on the branch of a newer one', () => {
  const stored = [
    message('q1', null),
    message('a1', 'q1'),
    message('q2', 'a1'),
    message('a2', 'q2'),
    message('b1', 'q1')
  ];
  assert.deepEqual(ids(newestBranch(stored)), ['q1', 'b1']);
});

test('a branch begins where its beginning is no longer kept', () => {
  assert.deepEqual(ids(newestBranch([message('a1', 'gone'), message('q2', 'a1')])), ['a1', 'q2']);
  assert.deepEqual(newestBranch([]), []);
});

test('a history that goes round in circles has an end', () => {
  assert.deepEqual(ids(newestBranch([message('a', 'b'), message('b', 'a')])), ['a', 'b']);
});

test('parts that are no text are named', () => {
  const parts = [{ type: 'text', text: 'what is this?' }, { type: 'image_url' }];
  assert.equal(textOf(parts), 'what is this?\n[image]');
  assert.equal(textOf('plain'), 'plain');
});
