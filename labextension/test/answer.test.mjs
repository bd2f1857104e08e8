import assert from 'node:assert/strict';
import { mock, test } from 'node:test';

import answers from '../lib/test/chat/answer.js';
import loading from '../lib/test/chat/loading.js';
import models from '../lib/test/server/models.js';

const { Answer } = answers;
const { LoadWatch, loadFor } = loading;

/** Watch an answer, with a server that tells this health. */
function watch(answer, health) {
  return new LoadWatch(answer, () => health().then(models.loadOf));
}

const META = { meta: { id: 'm_1', conversation_id: 'c_1', parent_id: null, model: 'local:tiny' } };
const LIMITED = {
  type: 'rate_limited',
  message: 'Try again in about 7 s.',
  retryable: true,
  hint: null,
  retry_after: 7
};

function health(ready, progress) {
  return {
    model: 'tiny',
    demo: false,
    llm_service: { type: 'local', ready, engine: { progress } }
  };
}

/** Let promises that have settled be heard. */
const settled = () => new Promise(resolve => setImmediate(resolve));

test('a place in the queue is shown until the first text', () => {
  const answer = new Answer(null);
  answer.take(META);
  answer.take({ queued: { position: 3 } });
  answer.take({ queued: { position: 2 } });
  assert.deepEqual([answer.phase, answer.position], ['queued', 2]);
  answer.take({ delta: 'x' });
  assert.equal(answer.phase, 'writing');
});

test('the first words are drawn before anything else that they change is worked out', () => {
  const frames = [];
  globalThis.document = { hidden: false };
  globalThis.requestAnimationFrame = frame => frames.push(frame);
  const timers = mock.method(globalThis, 'setTimeout', () => 0);
  try {
    const answer = new Answer(null);
    const told = [];
    answer.take(META);
    answer.changed.connect((_, what) => told.push(what));
    answer.take({ delta: 'one' });
    answer.take({ delta: ' two' });
    answer.take({ done: true, finish_reason: 'stop' });
    assert.deepEqual([told, answer.text, answer.phase], [['text', 'text'], 'one two', 'done']);
    frames.shift()();
    assert.deepEqual(told, ['text', 'text'], 'the frame that shows them is not over yet');
    frames.shift()();
    assert.deepEqual(told, ['text', 'text', 'phase']);
  } finally {
    timers.mock.restore();
    delete globalThis.document;
    delete globalThis.requestAnimationFrame;
  }
});

test('a limit tells when to try again', () => {
  const answer = new Answer(null);
  answer.take({ error: LIMITED });
  assert.deepEqual([answer.phase, answer.problem.retry_after], ['failed', 7]);
});

test('how long to wait is not told anew when the page is', () => {
  const stored = { id: 'm_1', content: '', model: null, usage: null, finish_reason: null };
  const answer = Answer.stored({ ...stored, error: LIMITED }, null);
  assert.equal(answer.phase, 'failed');
  assert.equal(answer.problem.message, LIMITED.message);
  assert.equal(answer.problem.retry_after, undefined);
});

test('a stored answer knows what its reader thought of it', () => {
  const stored = { id: 'm_1', content: 'x', status: 'complete', model: null, usage: null };
  const answer = Answer.stored({ ...stored, error: null, reaction: 'thumbs_up' }, null);
  assert.equal(answer.reaction, 'thumbs_up');
  const seen = [];
  answer.changed.connect(() => seen.push(answer.reaction));
  answer.react(null);
  assert.deepEqual(seen, [null]);
});

test('an answer that is over hears nothing more but its id', () => {
  const answer = new Answer(null);
  answer.leave();
  answer.take(META);
  answer.take({ delta: 'late' });
  answer.take({ done: true, finish_reason: 'stop' });
  answer.lose(4);
  assert.deepEqual([answer.id, answer.text, answer.phase], ['m_1', '', 'stopped']);
});

test('a model that is still loading is looked for again when a connection is back', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const answer = new Answer(null);
  watch(answer, async () => health(false, 0.5));
  answer.take(META);
  t.mock.timers.tick(500);
  answer.lose(1);
  t.mock.timers.tick(1000);
  await settled();
  assert.equal(answer.phase, 'lost');
  answer.take(META);
  t.mock.timers.tick(1000);
  await settled();
  assert.equal(answer.phase, 'loading');
});

test('an answer that comes at once asks nobody about loading', t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let asked = 0;
  const answer = new Answer(null);
  watch(answer, async () => (asked++, health(false, 0)));
  answer.take(META);
  t.mock.timers.tick(999);
  answer.take({ delta: 'x' });
  t.mock.timers.tick(60_000);
  assert.equal(asked, 0);
});

test('a wait for a model that loads says so, once a second, until it is loaded', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const told = [health(false, 0), health(false, 0.38), health(true, 1)];
  let asked = 0;
  const answer = new Answer(null);
  watch(answer, async () => told[asked++]);
  answer.take(META);
  const seen = [];
  for (let second = 0; second < 6; second++) {
    t.mock.timers.tick(1000);
    await settled();
    seen.push([answer.phase, answer.load?.progress ?? null]);
  }
  assert.deepEqual(seen.slice(0, 3), [
    ['loading', 0],
    ['loading', 0.38],
    ['waiting', null]
  ]);
  assert.equal(asked, 3);
});

test('what health says after the first text comes too late', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let tell;
  const answer = new Answer(null);
  watch(answer, () => new Promise(resolve => (tell = resolve)));
  answer.take(META);
  t.mock.timers.tick(1000);
  answer.take({ delta: 'x' });
  tell(health(false, 0.5));
  await settled();
  assert.equal(answer.phase, 'writing');
});

test('a server that does not tell its health is left alone', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let asked = 0;
  const answer = new Answer(null);
  watch(answer, async () => {
    asked++;
    throw new Error('gone');
  });
  answer.take(META);
  for (let second = 0; second < 3; second++) {
    t.mock.timers.tick(1000);
    await settled();
  }
  assert.deepEqual([asked, answer.phase], [1, 'waiting']);
});

test('of a model that is not the usual one, the list tells how far it is loaded', async () => {
  const rows = [
    { backend: 'local', name: 'blue', loaded: false, engine: { progress: 0.4 } },
    { backend: 'local', name: 'red', loaded: true, engine: { progress: 1 } },
    { backend: 'local', name: 'idle', loaded: false, engine: null }
  ];
  const server = {
    health: async () => ({ ...health(true, 1), backend: 'openai' }),
    models: async () => ({ models: rows, problem: null })
  };
  const found = async model => {
    const answer = new Answer(null);
    answer.take({ meta: { ...META.meta, model } });
    return loadFor(answer, server);
  };
  assert.deepEqual(await found('local:blue'), { name: 'blue', progress: 0.4 });
  assert.equal(await found('local:red'), null);
  assert.equal(await found('local:idle'), null);
  assert.equal(await found('openai:gpt'), null);
});
