import assert from 'node:assert/strict';
import { test } from 'node:test';

import tree from '../lib/test/chat/tree.js';
import history from '../lib/test/server/history.js';

const { branchTo, newestBelow, siblings, Tree } = tree;
const { textOf } = history;

const message = (id, parent_id) => ({
  id,
  parent_id,
  role: /^q|^e/.test(id) ? 'user' : 'assistant'
});
const newestBranch = stored => branchTo(stored, stored[stored.length - 1]?.id);
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

test('versions of an answer or a question stand in the order of time', () => {
  const stored = [
    message('q1', null),
    message('a1', 'q1'),
    message('q2', 'a1'),
    message('a2', 'q1'),
    message('e1', null)
  ];
  assert.deepEqual(ids(siblings(stored, 'a2')), ['a1', 'a2']);
  assert.deepEqual(ids(siblings(stored, 'q1')), ['q1', 'e1']);
  assert.deepEqual(ids(siblings(stored, 'q2')), ['q2']);
  assert.deepEqual(siblings(stored, 'gone'), []);
});

test('turning to a version shows the newest that was said after it', () => {
  const stored = [
    message('q1', null),
    message('a1', 'q1'),
    message('a2', 'q1'),
    message('q2', 'a1'),
    message('b1', 'q2'),
    message('b2', 'q2')
  ];
  assert.equal(newestBelow(stored, 'a1'), 'b2');
  assert.equal(newestBelow(stored, 'a2'), 'a2');
  assert.deepEqual(ids(branchTo(stored, newestBelow(stored, 'a1'))), ['q1', 'a1', 'q2', 'b2']);
});

const asked = id => ({ id });
const answered = (id, question) => ({ id, question });

test('a new answer is counted among the versions before it has been read', () => {
  const tree = new Tree();
  tree.take([message('q1', null), message('a1', 'q1')]);
  const question = asked('q1');
  assert.ok(tree.note(answered('a2', question), [question]));
  assert.ok(!tree.note(answered('a2', question), [question]));
  assert.deepEqual(tree.siblings('a2'), ['a1', 'a2']);
  assert.ok(tree.partial);
});

test('an edited first question stands beside the first', () => {
  const tree = new Tree();
  tree.take([message('q1', null), message('a1', 'q1')]);
  const question = asked('q2');
  tree.note(answered('b1', question), [question]);
  assert.deepEqual(tree.siblings('q2'), ['q1', 'q2']);
  assert.equal(tree.parentOf('q2'), null);
});

test('what is left of a branch is shown where a question in it was taken away, and the whole of it once that is back', () => {
  const stored = [
    message('q1', null),
    message('a1', 'q1'),
    message('q2', 'a1'),
    message('a2', 'q2'),
    message('e1', null),
    message('b1', 'e1')
  ];
  const left = stored.filter(each => !/2/.test(each.id));
  const tree = new Tree();
  tree.take(stored);
  const turnBack = tree.drop('q2', tree.turn('q1'));
  assert.deepEqual(ids(tree.take(left)), ['q1', 'a1']);
  turnBack();
  assert.deepEqual(ids(tree.take(stored)), ['q1', 'a1', 'q2', 'a2']);
});

test('of several versions of a question another one is shown where one was taken away', () => {
  const left = [
    message('q1', null),
    message('a1', 'q1'),
    message('q2', 'a1'),
    message('a2', 'q2'),
    message('e1', null)
  ];
  const stored = [...left.slice(0, 4), message('q3', 'a1'), left[4]];
  const tree = new Tree();
  tree.take(stored);
  tree.drop('q3', tree.turn('q3'));
  assert.deepEqual(ids(tree.take(left)), ['q1', 'a1', 'q2', 'a2']);
});

test('what was asked since a question was taken away stays on the screen when that is back', () => {
  const left = [message('q1', null), message('a1', 'q1'), message('e1', null)];
  const stored = [...left, message('q2', 'a1')];
  const tree = new Tree();
  tree.take(stored);
  const turnBack = tree.drop('q2', tree.turn('q2'));
  tree.take([...left, message('q3', 'e1')]);
  turnBack();
  assert.deepEqual(ids(tree.take([...stored, message('q3', 'e1')])), ['e1', 'q3']);
});

test('the branch that was turned to stays until something new is said', () => {
  const stored = [message('q1', null), message('a1', 'q1'), message('a2', 'q1')];
  const tree = new Tree();
  assert.deepEqual(ids(tree.take(stored)), ['q1', 'a2']);
  assert.deepEqual(ids(tree.turn('a1')), ['q1', 'a1']);
  assert.deepEqual(ids(tree.take(stored)), ['q1', 'a1']);
  assert.equal(tree.end, 'a1');
  const more = [...stored, message('q2', 'a2')];
  assert.deepEqual(ids(tree.take(more)), ['q1', 'a2', 'q2']);
  assert.equal(tree.end, null);
});
