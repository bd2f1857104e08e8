import assert from 'node:assert/strict';
import { test } from 'node:test';

import answers from '../lib/test/chat/answer.js';
import shownModule from '../lib/test/chat/shown.js';
import problems from '../lib/test/server/problems.js';

const { Answer, Question } = answers;
const { compare } = shownModule;
const { CUT_OFF, TurnError, UNREACHED } = problems;

const asked = (id, parent_id = null) => ({
  id,
  parent_id,
  role: 'user',
  content: `words of ${id}`,
  status: 'complete',
  created_at: '2026-11-20T10:00:00Z'
});
const answered = (id, parent_id, more = {}) => ({
  id,
  parent_id,
  role: 'assistant',
  content: `text of ${id}`,
  status: 'complete',
  created_at: '2026-11-20T10:00:01Z',
  model: 'mock:mock',
  finish_reason: 'stop',
  error: null,
  usage: null,
  reaction: null,
  ...more
});

/** What is shown after a branch was shown for the first time. */
const showing = branch => compare([], branch).fresh;
const ids = fresh => fresh.map(each => each.id);

function unsent(words) {
  const question = new Question(words);
  const answer = new Answer(question);
  answer.fail(new TurnError(UNREACHED));
  return [question, answer];
}

const BRANCH = [asked('q1'), answered('a1', 'q1'), asked('q2', 'a1'), answered('a2', 'q2')];

test('an empty panel shows the branch, each answer with its question', () => {
  const { kept, fresh } = compare([], BRANCH);
  assert.equal(kept, 0);
  assert.deepEqual(ids(fresh), ['q1', 'a1', 'q2', 'a2']);
  assert.equal(fresh[3].question, fresh[2]);
  assert.equal(fresh[3].phase, 'done');
});

test('what is shown already stays as it is', () => {
  const { kept, fresh, unsent } = compare(showing(BRANCH), BRANCH);
  assert.deepEqual([kept, fresh, unsent], [4, [], []]);
});

test('what was said at another door comes after what is shown', () => {
  const { kept, fresh } = compare(showing(BRANCH.slice(0, 2)), BRANCH);
  assert.deepEqual([kept, ids(fresh)], [2, ['q2', 'a2']]);
});

test('another branch takes the place of what it does not share', () => {
  const branch = [asked('q1'), answered('b1', 'q1')];
  const shown = showing(BRANCH);
  const { kept, fresh } = compare(shown, branch);
  assert.deepEqual([kept, ids(fresh)], [1, ['b1']]);
  assert.equal(fresh[0].question, shown[0]);
});

test('an answer under way is to be followed, one that was interrupted is over', () => {
  const running = compare([], [asked('q1'), answered('a1', 'q1', { status: 'running' })]);
  assert.deepEqual(
    [running.fresh[1].phase, running.fresh[1].over, running.fresh[1].text],
    ['joining', false, 'text of a1']
  );
  const dead = compare([], [asked('q1'), answered('a1', 'q1', { status: 'interrupted' })]);
  assert.deepEqual([dead.fresh[1].phase, dead.fresh[1].over], ['interrupted', true]);
});

test('an answer that was cut off here is replaced by what became of it', () => {
  const shown = showing(BRANCH.slice(0, 2));
  shown[1].fail(new TurnError(CUT_OFF));
  const { kept, fresh } = compare(shown, BRANCH.slice(0, 2));
  assert.deepEqual([kept, ids(fresh), fresh[0].phase], [1, ['a1'], 'done']);
});

test('an answer that was stopped here and is still written is not wanted', () => {
  const shown = showing(BRANCH.slice(0, 2));
  shown[1].leave();
  const branch = [asked('q1'), answered('a1', 'q1', { status: 'running' })];
  const { fresh, unwanted } = compare(shown, branch);
  assert.deepEqual(unwanted, [fresh[0]]);
});

test('words that never reached the server stay, after all that did', () => {
  const lost = unsent('are you there?');
  const one = compare([...showing(BRANCH.slice(0, 2)), ...lost], BRANCH);
  assert.deepEqual([one.kept, ids(one.fresh)], [2, ['q2', 'a2']]);
  assert.deepEqual(one.unsent, lost);
  const two = compare(lost, BRANCH);
  assert.deepEqual([two.kept, two.fresh.length], [0, 4]);
  assert.deepEqual(two.unsent, lost);
});

test('so do words that were stopped before the server told of them', () => {
  const question = new Question('never mind');
  const answer = new Answer(question);
  answer.leave();
  const shown = [...showing(BRANCH), question, answer];
  const { kept, unsent: rest } = compare(shown, BRANCH);
  assert.deepEqual([kept, rest], [4, [question, answer]]);
  assert.equal(answer.unheard, true);
  answer.take({ meta: { id: 'a3', parent_id: 'q3', conversation_id: 'c', model: 'mock:mock' } });
  assert.equal(answer.unheard, false);
  assert.deepEqual(compare(shown, BRANCH).unsent, []);
});

/** A pair whose line was lost at this time, before the server could tell that it has heard the question. */
function cutOff(words, at = '2026-11-20T10:00:00Z') {
  const question = new Question(words);
  question.created = Date.parse(at);
  const answer = new Answer(question);
  answer.fail(new TurnError(CUT_OFF));
  return [question, answer];
}

test('words that the server has after all are shown once, with its answer', () => {
  const before = showing(BRANCH.slice(0, 2));
  const failed = compare([...before, ...cutOff('words of q2')], BRANCH);
  assert.deepEqual([failed.kept, ids(failed.fresh), failed.unsent], [2, ['q2', 'a2'], []]);
  const left = cutOff('words of q2');
  left[1].leave();
  const running = [...BRANCH.slice(0, 3), answered('a2', 'q2', { status: 'running' })];
  const stopped = compare([...before, ...left], running);
  assert.deepEqual([ids(stopped.fresh), stopped.unsent], [['q2', 'a2'], []]);
  const twice = [...cutOff('words of q2'), ...cutOff('words of q2')];
  assert.deepEqual(compare([...before, ...twice], BRANCH).unsent, twice.slice(2));
});

test('the same words in another place are not taken for them', () => {
  const lost = cutOff('words of q1');
  const unsentOf = (shown, branch) => compare([...shown, ...lost], branch).unsent;
  // Asked before them,
  assert.deepEqual(unsentOf(showing(BRANCH.slice(0, 2)), BRANCH), lost);
  // in another branch,
  assert.deepEqual(unsentOf(showing([asked('x1'), answered('y1', 'x1')]), BRANCH), lost);
  // a day before,
  const late = cutOff('words of q2', '2026-11-21T10:00:00Z');
  assert.deepEqual(compare([...showing(BRANCH.slice(0, 2)), ...late], BRANCH).unsent, late);
  // or at another door, while the server refused these.
  const refused = cutOff('words of q2');
  refused[1].fail(new TurnError({ ...CUT_OFF, type: 'rate_limited' }));
  assert.deepEqual(compare([...showing(BRANCH.slice(0, 2)), ...refused], BRANCH).unsent, refused);
});

test('words that were sent after some that were not keep their order', () => {
  const lost = unsent('are you there?');
  const shown = [...showing(BRANCH.slice(0, 2)), ...lost, ...showing(BRANCH).slice(2)];
  const { kept, fresh, unsent: rest } = compare(shown, BRANCH);
  assert.deepEqual([kept, fresh, rest], [6, [], []]);
});

test('a question that was heard is not taken for one that was not', () => {
  const [question, answer] = unsent('again');
  question.id = 'q1';
  const { kept, unsent: rest, fresh } = compare([question, answer], BRANCH.slice(0, 2));
  assert.deepEqual([kept, rest, ids(fresh)], [1, [], ['a1']]);
});

test('a system message of an imported conversation is not shown', () => {
  const branch = [{ ...asked('s'), role: 'system' }, asked('q1', 's'), answered('a1', 'q1')];
  assert.deepEqual(ids(compare([], branch).fresh), ['q1', 'a1']);
});
