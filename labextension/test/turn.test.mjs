import assert from 'node:assert/strict';
import { test } from 'node:test';

import answers from '../lib/test/chat/answer.js';
import turns from '../lib/test/chat/turn.js';
import problems from '../lib/test/server/problems.js';

const { Answer, Question } = answers;
const { Turn } = turns;
const { CUT_OFF, TurnError, UNREACHED } = problems;

const META = { meta: { id: 'm_1', conversation_id: 'c_1', parent_id: 'q_1', model: 'mock:mock' } };
const DONE = { done: true, finish_reason: 'stop' };
const STORED = {
  id: 'm_1',
  parent_id: 'q_1',
  role: 'assistant',
  content: 'one two',
  status: 'complete',
  model: 'mock:mock',
  finish_reason: 'stop',
  error: null,
  usage: null,
  reaction: null
};
const LOST = new TurnError(CUT_OFF);
const AWAY = new TurnError(UNREACHED);
const NOT_FOUND = new TurnError({ type: 'not_found', message: 'No such turn.', retryable: false });

/** Let promises that have settled be heard. */
const settled = () => new Promise(resolve => setImmediate(resolve));

/** A stream that gives these events, or raises those of them that are errors. */
async function* script(...steps) {
  for (const step of steps) {
    if (step instanceof Error) {
      throw step;
    }
    yield step;
  }
}

/** A stream that is given its events one by one, and ends when its reader leaves. */
function held(signal) {
  const given = [];
  let wake = () => {};
  signal.addEventListener('abort', () => wake());
  return {
    give(...events) {
      given.push(...events);
      wake();
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        while (given.length) {
          yield given.shift();
        }
        if (signal.aborted) {
          throw new DOMException('aborted', 'AbortError');
        }
        await new Promise(resolve => (wake = resolve));
      }
    }
  };
}

/** A server whose streams are scripts, one for each time that it is asked for one. */
function server({ streams = [], events = [], messages = [], stop = async () => {} }) {
  const calls = [];
  return {
    calls,
    stream: (question, signal) => (calls.push('stream'), streams.shift()(signal)),
    events: (id, signal) => (calls.push(`events ${id}`), events.shift()(signal)),
    messages: async id => (calls.push(`messages ${id}`), messages.shift()()),
    stop: async id => (calls.push(`stop ${id}`), stop()),
    cancel: async id => void calls.push(`cancel ${id}`)
  };
}

/** Let time pass, second by second, until an answer is over or a minute has gone. */
async function pass(t, answer) {
  const phases = [];
  for (let tick = 0; tick < 240 && !answer.over; tick++) {
    await settled();
    phases.push(answer.phase);
    t.mock.timers.tick(250);
    await settled();
  }
  return phases;
}

test('an answer is followed to its end', async () => {
  const there = server({
    streams: [() => script(META, { delta: 'one' }, { delta: ' two' }, DONE)]
  });
  const answer = new Answer(new Question('?'));
  const turn = new Turn(answer, null, there);
  await turn.ask({ message: '?' });
  await turn.over;
  assert.deepEqual([answer.phase, answer.text, answer.id], ['done', 'one two', 'm_1']);
  assert.deepEqual([turn.conversation, answer.question.id], ['c_1', 'q_1']);
});

test('a lost connection is joined again, without a gap or a repeat', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const there = server({
    streams: [() => script(META, { delta: 'one' }, { delta: ' tw' }, LOST)],
    events: [() => script(META, { delta: 'one two' }, { delta: ' three' }, DONE)]
  });
  const answer = new Answer(null);
  const texts = [];
  answer.changed.connect((_, what) => what === 'text' && texts.push(answer.text));
  const turn = new Turn(answer, null, there);
  void turn.ask({ message: '?' });
  const phases = await pass(t, answer);
  assert.ok(phases.includes('lost'));
  assert.deepEqual([answer.phase, answer.text], ['done', 'one two three']);
  assert.deepEqual(texts, ['one', 'one tw', 'one two', 'one two three']);
  assert.deepEqual(there.calls, ['stream', 'events m_1']);
});

test('the text that is shown never gets shorter while it is told again', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const there = server({
    streams: [() => script(META, { delta: 'one two three' }, LOST)],
    events: [
      () => script(META, { delta: 'o' }, { delta: 'ne t' }, LOST),
      () => script(META, { delta: 'one two three four' }, DONE)
    ]
  });
  const answer = new Answer(null);
  const texts = [];
  answer.changed.connect((_, what) => what === 'text' && texts.push(answer.text));
  void new Turn(answer, null, there).ask({ message: '?' });
  await pass(t, answer);
  assert.deepEqual(texts, ['one two three', 'one two three four']);
});

test('the pauses between the tries grow, and at their end the words are kept', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const there = server({
    streams: [() => script(META, { delta: 'one' }, LOST)],
    events: Array.from({ length: 9 }, () => () => script(AWAY))
  });
  const answer = new Answer(new Question('?'));
  const pauses = [];
  answer.changed.connect(
    () => answer.phase === 'lost' && answer.pause && pauses.push(answer.pause)
  );
  void new Turn(answer, null, there).ask({ message: '?' });
  await pass(t, answer);
  assert.deepEqual(pauses, [0.5, 1, 2, 4, 8]);
  assert.equal(there.calls.length, 6);
  assert.deepEqual([answer.phase, answer.text], ['failed', 'one']);
  assert.equal(answer.problem.type, 'connection_lost');
});

test('a try that brings something new has all the others before it again', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const texts = ['a', 'ab', 'abc', 'abcd', 'abcde', 'abcdef', 'abcdefg'];
  const there = server({
    streams: [() => script(META, LOST)],
    events: [
      ...texts.map(text => () => script(META, { delta: text }, LOST)),
      () => script(META, DONE)
    ]
  });
  const answer = new Answer(null);
  void new Turn(answer, null, there).ask({ message: '?' });
  await pass(t, answer);
  assert.deepEqual([answer.phase, answer.text], ['done', 'abcdefg']);
});

test('a question of which nothing came back is not asked twice by itself', async () => {
  const there = server({ streams: [() => script(AWAY)] });
  const answer = new Answer(new Question('?'));
  await new Turn(answer, 'c_1', there).ask({ message: '?' });
  assert.deepEqual([answer.phase, answer.id], ['failed', null]);
  assert.deepEqual(there.calls, ['stream']);
});

test('what ended meanwhile is read from the history', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const there = server({
    streams: [() => script(META, { delta: 'one' }, LOST)],
    events: [() => script(NOT_FOUND)],
    messages: [() => [STORED]]
  });
  const answer = new Answer(null);
  void new Turn(answer, null, there).ask({ message: '?' });
  await pass(t, answer);
  assert.deepEqual([answer.phase, answer.text], ['done', 'one two']);
});

test('an answer that its server did not live to end is interrupted, with what arrived', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const there = server({
    streams: [() => script(META, { delta: 'one two three' }, LOST)],
    events: [() => script(AWAY), () => script(NOT_FOUND)],
    messages: [() => [{ ...STORED, status: 'interrupted', finish_reason: null }]]
  });
  const answer = new Answer(null);
  void new Turn(answer, null, there).ask({ message: '?' });
  await pass(t, answer);
  // The disk is up to a quarter of a second behind the screen.
  assert.deepEqual([answer.phase, answer.text], ['interrupted', 'one two three']);
});

test('an answer that another server writes is read until it is whole', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const running = { ...STORED, status: 'running', finish_reason: null };
  const there = server({
    events: Array.from({ length: 3 }, () => () => script(NOT_FOUND)),
    messages: [
      () => [{ ...running, content: 'one' }],
      () => [{ ...running, content: 'one t' }],
      () => [STORED]
    ]
  });
  const answer = Answer.stored({ ...running, content: '' }, null);
  const texts = [];
  answer.changed.connect((_, what) => what === 'text' && texts.push(answer.text));
  void new Turn(answer, 'c_1', there).join();
  await pass(t, answer);
  assert.deepEqual(texts, ['one', 'one t', 'one two']);
  assert.equal(answer.phase, 'done');
});

test('an answer that nobody has any more says so and can be asked anew', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  for (const kept of [async () => [], async () => Promise.reject(NOT_FOUND)]) {
    const there = server({
      streams: [() => script(META, { delta: 'one' }, LOST)],
      events: [() => script(NOT_FOUND)],
      messages: [kept]
    });
    const answer = new Answer(new Question('?'));
    void new Turn(answer, null, there).ask({ message: '?' });
    await pass(t, answer);
    assert.deepEqual([answer.phase, answer.text, answer.id], ['failed', 'one', null]);
    assert.equal(answer.problem.type, 'not_found');
  }
});

test('a refusal is not tried again', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const no = new TurnError({ type: 'unauthorized', message: 'No.', retryable: true, hint: null });
  const there = server({
    streams: [() => script(META, { delta: 'one' }, LOST)],
    events: [() => script(no)]
  });
  const answer = new Answer(null);
  void new Turn(answer, null, there).ask({ message: '?' });
  await pass(t, answer);
  assert.deepEqual([answer.phase, answer.problem.type], ['failed', 'unauthorized']);
});

test('an answer is stopped by its conversation, and ends with what the server says', async () => {
  let stream;
  const there = server({
    streams: [signal => (stream = held(signal))],
    stop: async () => stream.give({ done: true, finish_reason: 'cancelled' })
  });
  const answer = new Answer(null);
  const turn = new Turn(answer, null, there);
  void turn.ask({ message: '?' });
  stream.give(META, { delta: 'one' });
  await settled();
  await turn.stop();
  await turn.over;
  assert.deepEqual([answer.phase, answer.text], ['stopped', 'one']);
  assert.deepEqual(there.calls, ['stream', 'stop c_1']);
});

test('an answer that was joined can be stopped', async () => {
  let stream;
  const there = server({
    events: [signal => (stream = held(signal))],
    stop: async () => stream.give({ done: true, finish_reason: 'cancelled' })
  });
  const answer = Answer.stored({ ...STORED, status: 'running', finish_reason: null }, null);
  const turn = new Turn(answer, 'c_1', there);
  void turn.join();
  stream.give(META, { delta: 'one two' });
  await settled();
  await turn.stop();
  await turn.over;
  assert.deepEqual([answer.phase, answer.text], ['stopped', 'one two']);
});

test('a stop that comes before the server knows the turn ends it as soon as it does', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let stream;
  const there = server({ streams: [signal => (stream = held(signal))] });
  const answer = new Answer(new Question('?'));
  const turn = new Turn(answer, null, there);
  void turn.ask({ message: '?' });
  await turn.stop();
  assert.equal(answer.phase, 'stopping');
  t.mock.timers.tick(1000);
  assert.equal(answer.phase, 'stopped');
  stream.give(META);
  await settled();
  await settled();
  assert.deepEqual(there.calls, ['stream', 'cancel m_1']);
  assert.equal(answer.id, 'm_1');
});

test('a stop while the connection is lost does not wait for it', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const there = server({
    streams: [() => script(META, { delta: 'one' }, LOST)],
    stop: async () => Promise.reject(AWAY)
  });
  const answer = new Answer(null);
  const turn = new Turn(answer, null, there);
  const followed = turn.ask({ message: '?' });
  await settled();
  assert.equal(answer.phase, 'lost');
  await turn.stop();
  await followed;
  assert.equal(answer.phase, 'stopped');
  t.mock.timers.tick(60_000);
  await settled();
  assert.equal(answer.phase, 'stopped');
  assert.deepEqual(there.calls, ['stream', 'stop c_1']);
});

test('a stop while the history is read stays a stop', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  for (const read of [resolve => resolve([STORED]), (_, reject) => reject(AWAY)]) {
    let settle;
    const there = server({
      events: [() => script(NOT_FOUND)],
      messages: [() => new Promise((resolve, reject) => (settle = () => read(resolve, reject)))],
      stop: async () => Promise.reject(AWAY)
    });
    const answer = Answer.stored({ ...STORED, status: 'running', finish_reason: null }, null);
    const turn = new Turn(answer, 'c_1', there);
    const followed = turn.join();
    await settled();
    await turn.stop();
    settle();
    await followed;
    assert.equal(answer.phase, 'stopped');
    assert.equal(answer.problem, null);
  }
});
