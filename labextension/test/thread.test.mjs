import assert from 'node:assert/strict';
import { test } from 'node:test';

import asks from '../lib/test/chat/ask.js';
import threads from '../lib/test/chat/thread.js';
import problems from '../lib/test/server/problems.js';
import { Held, settled } from './held.mjs';

const { ask } = asks;
const { Thread } = threads;
const { CUT_OFF, TurnError, UNREACHED } = problems;

const FILE = { id: 'u_1', name: 'sales.csv', size: 12, mime: 'text/csv' };

/** A conversation of a notebook, which asks nothing while `off` is set. */
function threadOf(server, more = { notebook: 'a.ipynb' }) {
  const made = new Thread({
    server,
    contextOf: () => [],
    health: () => null,
    allowed: () => !made.off,
    ...more
  });
  return made;
}

const chosen = server => threadOf(server, { notebook: null, conversation: 'c_1' });
const words = thread => thread.said.map(each => each.words ?? each.text);
const messages = server => server.asked.map(each => each.message);

/** Ask, and let the answer end. */
async function answered(thread, server, question) {
  const asked = thread.send(ask(question));
  await settled();
  server.go(server.asked.length);
  await asked;
}

test('while assistance is off nothing is asked, however it is tried, and what was typed is in the field', async () => {
  const server = new Held();
  const thread = threadOf(server);
  await answered(thread, server, 'first');
  const [question, answer] = thread.said;
  thread.off = true;
  assert.equal(thread.canRetry(answer), false);
  await thread.retry(answer);
  await thread.edit(question, ask('first, otherwise'));
  await thread.send({ ...ask('second'), attachments: [FILE] });
  assert.deepEqual(messages(server), ['first']);
  assert.deepEqual(words(thread), ['first', 'yes']);
  assert.equal(thread.draft.words, 'second\n\nfirst, otherwise');
  assert.deepEqual(thread.draft.attachments, [FILE]);
  thread.off = false;
  assert.equal(thread.canRetry(answer), true);
});

test('what waits for an answer is not asked if assistance was turned off meanwhile', async () => {
  const server = new Held();
  const thread = threadOf(server);
  const running = thread.send(ask('first'));
  await thread.send(ask('second'));
  thread.off = true;
  await settled();
  server.go(1);
  await running;
  await settled();
  assert.deepEqual(messages(server), ['first']);
  assert.equal(thread.queued[0].words, 'second');
});

test('a question that is asked while the history is read does not take its place', async () => {
  const server = new Held();
  server.keep('c_1', null, 'old question', 'old answer');
  const thread = chosen(server);
  const read = server.hold('read');
  void thread.refresh();
  const running = thread.send(ask('quick one'));
  await settled();
  read();
  await settled();
  assert.deepEqual(words(thread), ['quick one', 'yes']);
  server.go(1);
  await running;
  assert.deepEqual(words(thread), ['old question', 'old answer', 'quick one', 'yes']);
});

test('nor does one that is answered before the history was read', async () => {
  const server = new Held();
  server.keep('c_1', null, 'old question', 'old answer');
  const thread = chosen(server);
  const read = server.hold('read');
  const reading = thread.refresh();
  await answered(thread, server, 'quick one');
  read();
  await reading;
  assert.deepEqual(words(thread), ['old question', 'old answer', 'quick one', 'yes']);
});

test('what was not read yet is not taken for empty, and a failure leaves it so', async () => {
  const server = new Held();
  server.keep('c_1', null);
  const { told } = server;
  server.told = () => Promise.reject(new TurnError(UNREACHED));
  const thread = chosen(server);
  assert.equal(thread.loaded, false);
  await thread.refresh();
  assert.deepEqual([thread.loaded, thread.trouble], [false, UNREACHED.message]);
  server.told = told;
  await thread.refresh();
  assert.deepEqual([thread.loaded, thread.trouble], [true, null]);
});

test('a history that could not be read comes after the next answer', async () => {
  const server = new Held();
  server.keep('c_1', null, 'old question', 'old answer');
  const { told } = server;
  server.told = () => Promise.reject(new TurnError(UNREACHED));
  const thread = chosen(server);
  await thread.refresh();
  server.told = told;
  await answered(thread, server, 'next');
  assert.deepEqual(words(thread), ['old question', 'old answer', 'next', 'yes']);
});

test('what waits goes into the field of a new conversation, which the old answer does not reach', async () => {
  const server = new Held();
  const thread = threadOf(server);
  const running = thread.send(ask('first'));
  await settled();
  await thread.send({ ...ask('second'), attachments: [FILE] });
  await thread.send(ask('third'));
  thread.draft.words = 'half a quest';
  await thread.fresh();
  assert.deepEqual([thread.id, thread.busy, thread.said.length], ['c_2', false, 0]);
  assert.deepEqual([thread.queued.length, server.stopped.length], [0, 0]);
  assert.equal(thread.draft.words, 'second\n\nthird\n\nhalf a quest');
  assert.deepEqual(thread.draft.attachments, [FILE]);
  const next = thread.send(ask('fourth'));
  await settled();
  server.go(1);
  await running;
  assert.equal(thread.busy, true);
  assert.deepEqual(words(thread), ['fourth', 'yes']);
  server.go(2);
  await next;
  await settled();
  assert.deepEqual(messages(server), ['first', 'fourth']);
  assert.equal(server.asked[1].conversation_id, 'c_2');
  assert.deepEqual([thread.id, thread.title], ['c_2', 'c_2']);
  assert.deepEqual(thread.siblings(thread.said[0]), { at: 1, count: 1 });
  // The answer that was left is whole.
  const old = await server.told('c_1');
  assert.equal(old.messages[1].content, 'yes');
});

test('what waits is not asked while a new conversation is being begun', async () => {
  const server = new Held();
  const thread = threadOf(server);
  const running = thread.send(ask('first'));
  await settled();
  await thread.send(ask('second'));
  const begun = server.hold('begin');
  const begins = thread.fresh();
  server.go(1);
  await running;
  begun();
  await begins;
  assert.deepEqual(messages(server), ['first']);
  assert.equal(thread.draft.words, 'second');
});

test('a new conversation begins in the place of one that has not been read yet', async () => {
  const server = new Held();
  server.keep('c_1', 'a.ipynb', 'old question', 'old answer');
  const thread = threadOf(server);
  const read = server.hold('read');
  const reading = thread.refresh();
  await thread.fresh();
  read();
  await reading;
  assert.deepEqual([thread.id, words(thread)], ['c_2', []]);
});

/** A conversation whose question was stopped while the server told nothing, and what lets it tell. */
async function stoppedUnheard(t, server) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  server.keep('c_1', 'a.ipynb', 'old question', 'old answer');
  const { stream } = server;
  let tell;
  const told = new Promise(resolve => (tell = resolve));
  server.stream = async function* () {
    server.stream = stream;
    await told;
    yield { meta: { id: 'm_9', parent_id: 'q_9', conversation_id: 'c_1', model: 'mock:a' } };
  };
  server.cancel = async () => {};
  const thread = threadOf(server);
  await thread.refresh();
  const running = thread.send(ask('never mind'));
  await settled();
  await thread.stop();
  t.mock.timers.tick(1000);
  await running;
  return { thread, tell };
}

test('a question that was stopped before the server had it stays, and can be asked again', async t => {
  const server = new Held();
  const { thread, tell } = await stoppedUnheard(t, server);
  await thread.refresh();
  assert.deepEqual(words(thread), ['old question', 'old answer', 'never mind', '']);
  const left = thread.said[2];
  const again = thread.retry(thread.said[3]);
  await settled();
  assert.deepEqual(words(thread), ['old question', 'old answer', 'never mind', 'yes']);
  // What is told late is about the one that was stopped.
  tell();
  await settled();
  assert.deepEqual([left.id, thread.said[2].id], ['q_9', 'q_1']);
  server.go(1);
  await again;
  assert.deepEqual(messages(server), ['never mind']);
});

test('it is not asked again if the server has it after all', async t => {
  const server = new Held();
  const { thread } = await stoppedUnheard(t, server);
  server.keep('c_1', 'a.ipynb', 'old question', 'old answer', 'never mind', 'said');
  await thread.retry(thread.said[3]);
  assert.deepEqual(words(thread), ['old question', 'old answer', 'never mind', 'said']);
  assert.deepEqual(messages(server), []);
});

test('nor does it stand there twice once the history was read again', async t => {
  const server = new Held();
  const { thread } = await stoppedUnheard(t, server);
  server.keep('c_1', 'a.ipynb', 'old question', 'old answer', 'never mind', 'said');
  thread.said[2].created = 0;
  await thread.refresh();
  assert.deepEqual(words(thread), ['old question', 'old answer', 'never mind', 'said']);
});

test('it can be taken away', async t => {
  const { thread } = await stoppedUnheard(t, new Held());
  await thread.remove(thread.said[2]);
  await thread.refresh();
  assert.deepEqual(words(thread), ['old question', 'old answer']);
});

test('what was queued while an answer was looked for again is asked once it is found', async () => {
  const server = new Held();
  const { stream } = server;
  server.stream = async function* () {
    server.stream = stream;
    throw new TurnError(CUT_OFF);
  };
  const thread = threadOf(server);
  await thread.send(ask('first'));
  server.keep('c_1', 'a.ipynb', 'first', 'an answer');
  const read = server.hold('read');
  const looking = thread.retry(thread.said[1]);
  await thread.send(ask('second'));
  await thread.send(ask('third'));
  assert.equal(thread.queued.length, 2);
  read();
  await settled();
  server.go(1);
  await settled();
  server.go(2);
  await looking;
  assert.deepEqual(messages(server), ['second', 'third']);
  assert.deepEqual(words(thread).slice(0, 2), ['first', 'an answer']);
});

const cell = (number, text) => ({ kind: 'cell', name: `cell ${number}`, text });

test('what was taken along goes, whatever cell has its number when it is asked', async () => {
  const server = new Held();
  const contextOf = () => [cell(3, 'what is there now'), cell(4, 'named as well')];
  const thread = threadOf(server, { notebook: 'a.ipynb', contextOf });
  void thread.send(ask('Fix cell 3.', [cell(3, 'what failed')]));
  await settled();
  assert.deepEqual(server.asked[0].context, [cell(4, 'named as well'), cell(3, 'what failed')]);
  server.go(1);
  await settled();
  const [question] = thread.said;
  void thread.edit(question, { ...ask('Fix cell 3!'), context: question.context });
  await settled();
  assert.ok(server.asked[1].context.some(each => each.text === 'what failed'));
});

test('what waits is asked with what its words named when it was typed', async () => {
  const server = new Held();
  let active = cell(1, 'a = 1');
  const thread = threadOf(server, { notebook: 'a.ipynb', contextOf: () => [active] });
  void thread.send(ask('first'));
  await settled();
  await thread.send(ask('What does this cell do?'));
  await thread.send(ask('And why this one?'));
  active = cell(2, 'b = 2');
  server.go(1);
  await settled();
  assert.deepEqual(server.asked[1].context, [cell(1, 'a = 1')]);
  await thread.stop();
  const [last] = thread.queued;
  server.go(2);
  await settled();
  assert.equal(server.asked.length, 2);
  void thread.sendQueued(last);
  await settled();
  assert.deepEqual(messages(server), ['first', 'What does this cell do?', 'And why this one?']);
  assert.deepEqual(server.asked[2].context, [cell(1, 'a = 1')]);
});

test('what words name is told once beside what is taken along, and not where it was dismissed', () => {
  const contextOf = () => [cell(1, 'x'), cell(2, 'y'), cell(3, 'z')];
  const thread = threadOf(new Held(), { notebook: 'a.ipynb', contextOf });
  thread.dismiss(cell(2, 'y'));
  assert.deepEqual(thread.named('cells', [{ kind: 'cell', name: 'cell 1' }]), [cell(3, 'z')]);
});

/** A conversation whose reader went back to the first of two versions of its first question. */
async function turnedBack(server) {
  server.keep('c_1', 'a.ipynb', 'one', 'yes', 'two', 'yes');
  const { messages } = server._kept.get('c_1');
  messages.push(
    { ...messages[0], id: 'e_1', content: 'one, otherwise' },
    { ...messages[1], id: 'e_2', parent_id: 'e_1' }
  );
  const whole = [...messages];
  server.remove = async (id, deleted = true) => {
    const gone = ['c_1_2', 'c_1_3'];
    const left = whole.filter(each => !gone.includes(each.id));
    messages.splice(0, whole.length, ...(deleted ? left : whole));
  };
  const thread = threadOf(server);
  await thread.refresh();
  await thread.turnTo(thread.said[0], -1);
  return thread;
}

test('a question that is taken away leaves its reader in the branch, and undone it is there again', async () => {
  const thread = await turnedBack(new Held());
  assert.deepEqual(words(thread), ['one', 'yes', 'two', 'yes']);
  const undo = await thread.remove(thread.said[2]);
  assert.deepEqual(words(thread), ['one', 'yes']);
  assert.equal(thread.parentFor(null), 'c_1_1');
  await undo();
  assert.deepEqual(words(thread), ['one', 'yes', 'two', 'yes']);
});
