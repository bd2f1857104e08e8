import assert from 'node:assert/strict';
import { test } from 'node:test';

import asks from '../lib/test/chat/ask.js';
import threads from '../lib/test/chat/thread.js';
import asking from '../lib/test/composer/asking.js';
import commander from '../lib/test/composer/commander.js';
import problems from '../lib/test/server/problems.js';
import { failing } from './panel.mjs';

const { ask } = asks;
const { Thread } = threads;
const { handOver } = asking;
const { obey } = commander;
const { TurnError, UNREACHED } = problems;

const FIX = { see: { error: true, cells: 'around', cell_id: 'k' } };
const CHOSEN = { model: 'mock:a', preset: 'short', see: { level: 'schema' } };
const FILE = { id: 'u_1', name: 'sales.csv', size: 12, mime: 'text/csv' };
const files = { given: [], used: all => files.given.push(...all) };

/** Let promises that have settled be heard. */
const settled = () => new Promise(resolve => setImmediate(resolve));

/** A server that answers at once, or from `hold` on when `go` is called. */
function server() {
  const asked = [];
  let gate = Promise.resolve();
  let open = () => {};
  return {
    asked,
    hold: () => (gate = new Promise(resolve => (open = resolve))),
    go: () => open(),
    async *stream(question) {
      const n = asked.push(question);
      const meta = { id: `m_${n}`, parent_id: `q_${n}`, conversation_id: 'c_1', model: 'mock:a' };
      yield { meta };
      yield { delta: 'yes' };
      await gate;
      yield { done: true, finish_reason: 'stop' };
    },
    begin: async () => 'c_2',
    facts: async () => ({ title: 'One' })
  };
}

function tab() {
  const kept = new Map();
  return {
    kept,
    getItem: key => kept.get(key) ?? null,
    setItem: (key, value) => kept.set(key, value),
    removeItem: key => kept.delete(key)
  };
}

/** A conversation of a page, with what its tab has kept. */
function thread(of = server(), store = tab()) {
  globalThis.window = { sessionStorage: store };
  const made = new Thread({
    server: of,
    notebook: 'a.ipynb',
    contextOf: () => [],
    health: () => null,
    allowed: () => true
  });
  delete globalThis.window;
  return made;
}

/** A conversation that was chosen from the list. */
function chosen(of) {
  return new Thread({
    server: of,
    notebook: null,
    conversation: 'c_1',
    contextOf: () => [],
    health: () => null,
    allowed: () => true
  });
}

const ITEMS = [
  { kind: 'variable', name: 'df' },
  { kind: 'variable', name: 'said' },
  { kind: 'cell', name: '2' },
  { kind: 'file', name: 'sales.csv' }
];
const QUESTION = {
  id: 'q_1',
  parent_id: null,
  role: 'user',
  content: 'why @said?',
  status: 'complete',
  created_at: '2026-11-20T10:00:00Z',
  reaction: null,
  attachments: ['u_1'],
  metadata: { context: { items: ITEMS } }
};
const ANSWER = {
  ...QUESTION,
  id: 'm_1',
  parent_id: 'q_1',
  role: 'assistant',
  content: 'because',
  model: 'mock:a',
  finish_reason: 'stop',
  error: null,
  usage: null,
  attachments: [],
  metadata: {}
};

/** The conversations of a page, of which one is in front. */
function roomsOf(front, begin = () => front.fresh()) {
  return { open: { panel: null, cell: null }, current: front, begin };
}

const lists = {
  models: [],
  presets: [],
  note: () => null,
  lookModels: async () => {},
  lookPresets: async () => {}
};

test('whatever asks, what was chosen for the conversation holds, and the question adds its own', async () => {
  const of = server();
  const room = thread(of);
  room.draft.choose(CHOSEN);
  await room.send(ask('Fix it.', [], FIX));
  await room.send(ask('Look into df.', [], { model: 'mock:b', see: { names: ['df'] } }));
  const seen = of.asked.map(({ model, preset, see }) => ({ model, preset, see }));
  assert.deepEqual(seen, [
    { model: 'mock:a', preset: 'short', see: { level: 'schema', ...FIX.see } },
    { model: 'mock:b', preset: 'short', see: { level: 'schema', names: ['df'] } }
  ]);
  assert.deepEqual(room.draft.options, CHOSEN);
});

test('a question that is edited is asked with what is chosen now and what it looked at itself', async () => {
  const of = server();
  const room = thread(of);
  room.draft.choose({ model: 'mock:a', see: { level: 'values' } });
  await room.send(ask('Fix it.', [], FIX));
  room.draft.choose({ model: undefined, see: { level: 'schema' } });
  const [question] = room.said;
  const { words, context, attachments, options } = question;
  await room.edit(question, { words, context, attachments, options });
  assert.equal(of.asked[1].parent_id, 'root');
  assert.equal(of.asked[1].model, undefined);
  assert.deepEqual(of.asked[1].see, { level: 'schema', ...FIX.see });
});

test('after a Fix was edited, typed questions look at no error', async () => {
  const of = server();
  const room = thread(of);
  await room.send(ask('Fix it.', [], FIX));
  room.draft.edit(room.said[0], room.said[0]);
  assert.equal(await handOver(room, files), null);
  room.draft.words = 'thanks';
  assert.equal(await handOver(room, files), null);
  assert.deepEqual(
    of.asked.map(each => each.see),
    [FIX.see, FIX.see, undefined]
  );
});

test('a question that was deleted elsewhere while it was edited gives its words back', async () => {
  const of = server();
  const room = thread(of);
  await room.send(ask('old words', [], FIX));
  const [question] = room.said;
  room.draft.words = 'laid aside';
  room.draft.edit(question, question);
  room.draft.words = 'new words';
  room._show([]);
  assert.match(await handOver(room, files), /no longer here/);
  assert.equal(room.draft.words, 'new words\n\nlaid aside');
  assert.deepEqual(room.draft.peek().options, FIX);
  assert.equal(room.draft.editing, null);
  await handOver(room, files);
  assert.equal(of.asked[1].message, 'new words\n\nlaid aside');
});

test('a new conversation begins without what was chosen in the old one, also after a reload', async () => {
  const store = tab();
  const room = thread(server(), store);
  room.keepAs('a.ipynb#c_1');
  room.draft.choose(CHOSEN);
  await room.fresh();
  assert.deepEqual(room.draft.options, {});
  room.draft.choose(CHOSEN);
  await room.send(ask('first'));
  await room.fresh();
  room.keepAs(`a.ipynb#${room.id}`);
  assert.equal(room.id, 'c_2');
  assert.deepEqual(room.draft.options, {});
  assert.equal(store.kept.size, 0);
});

test('what was chosen stays when no new conversation could begin', async () => {
  const room = thread({ ...server(), begin: () => Promise.reject(new TurnError(UNREACHED)) });
  room.draft.choose(CHOSEN);
  await room.send(ask('first'));
  await assert.rejects(room.fresh());
  assert.deepEqual(room.draft.options, CHOSEN);
});

test('what waits comes back after a reload and is asked at the word of its asker', async () => {
  const store = tab();
  const old = server();
  const before = thread(old, store);
  before.keepAs('a.ipynb#c_1');
  old.hold();
  const running = before.send(ask('first'));
  before.draft.choose(CHOSEN);
  const cell = { kind: 'cell', name: 'cell 1', text: 'x' };
  await before.send({ ...ask('second', [cell], FIX), attachments: [FILE] });
  await before.send(ask('third'));

  const of = server();
  const after = thread(of, store);
  let told = 0;
  after.changed.connect(() => told++);
  after.keepAs('a.ipynb#c_1');
  assert.ok(told > 0);
  assert.deepEqual(
    after.queued.map(each => each.words),
    ['second', 'third']
  );
  assert.deepEqual(after.draft.options, CHOSEN);
  const { message, context, attachments } = await first(after, of);
  assert.deepEqual([message, context, attachments], ['second', [cell], ['u_1']]);
  assert.deepEqual(
    of.asked.map(each => each.message),
    ['second', 'third']
  );
  assert.equal(store.kept.has('tether:queued:a.ipynb#c_1'), false);
  old.go();
  await running;
});

/** Ask what waits first, by hand. */
async function first(room, of) {
  const [next] = room.queued;
  room.unqueue(next);
  await room.send(next);
  return of.asked[0];
}

test('what came back by a reload is not asked by itself when an answer ends', async () => {
  const store = tab();
  const waits = JSON.stringify([ask('second')]);
  store.setItem('tether:queued:a.ipynb#c_1', waits);
  const of = server();
  const room = thread(of, store);
  of.hold();
  const running = room.send(ask('first'));
  await settled();
  room.keepAs('a.ipynb#c_1');
  of.go();
  await running;
  assert.equal(of.asked.length, 1);
  assert.equal(room.queued[0].words, 'second');
  assert.equal(store.getItem('tether:queued:a.ipynb#c_1'), waits);
});

test('words behind /new are asked in the new conversation, with what goes along and none of the choices', async () => {
  const of = server();
  const room = thread(of);
  await room.send(ask('first'));
  room.draft.choose(CHOSEN);
  room.draft.words = '/new How do I join a and b?';
  room.draft.add({ key: 'variable a', kind: 'variable', name: 'a', text: null, of: null });
  room.draft.attach(FILE);
  files.given = [];
  const rooms = roomsOf(room);
  assert.equal(await obey(room.draft.words, { rooms, thread: room, lists, files }), null);
  await settled();
  const { message, conversation_id, model, preset, see, attachments } = of.asked[1];
  assert.deepEqual([message, conversation_id], ['How do I join a and b?', 'c_2']);
  assert.deepEqual([model, preset, see], [undefined, undefined, { names: ['a'] }]);
  assert.deepEqual([attachments, files.given], [['u_1'], [FILE]]);
  assert.ok(room.draft.isEmpty);
});

test('words behind /new are asked where it begins, from whichever conversation they come', async () => {
  const [other, own] = [server(), server()];
  const [shown, next] = [thread(other), thread(own)];
  shown.draft.words = '/new and now?';
  const rooms = roomsOf(shown, async () => {
    rooms.current = next;
    await next.fresh();
    // Somebody looks at another one meanwhile.
    rooms.current = shown;
  });
  await obey(shown.draft.words, { rooms, thread: shown, lists, files });
  await settled();
  assert.deepEqual([other.asked.length, own.asked[0].message], [0, 'and now?']);
});

test('where no new conversation begins, the line is in the field again with what went along', async () => {
  const room = thread({ ...server(), begin: () => Promise.reject(new TurnError(UNREACHED)) });
  await room.send(ask('first'));
  room.draft.words = '/new and now?';
  room.draft.attach(FILE);
  const rooms = roomsOf(room);
  const told = await obey(room.draft.words, { rooms, thread: room, lists, files });
  assert.equal(told, UNREACHED.message);
  assert.equal(room.draft.words, '/new and now?');
  assert.deepEqual(room.draft.attachments, [FILE]);
});

test('a line that cannot be done is in the field again, a bare command is not', async () => {
  const room = thread();
  const rooms = roomsOf(room);
  const lines = ['/fix why is b empty?', '/explain the join', '/model of a car', '/see the rows'];
  for (const line of [...lines, '/preset no such']) {
    room.draft.words = line;
    assert.notEqual(await obey(line, { rooms, thread: room, lists, files }), null);
    assert.equal(room.draft.words, line);
  }
  for (const line of ['/fix', '/see', '/stop']) {
    room.draft.words = line;
    assert.notEqual(await obey(line, { rooms, thread: room, lists, files }), null);
    assert.equal(room.draft.words, '', line);
  }
});

test('a question of the history is edited with what went along with it', async () => {
  const of = server();
  const along = [
    { kind: 'variable', name: 'df', text: 'df: a frame' },
    { kind: 'variable', name: 'said', text: 'said: a list' },
    { kind: 'cell', name: '2', text: 'df.mean()', level: 'samples' }
  ];
  of.told = async () => ({ id: 'c_1', title: 'One', notebook: null, messages: [QUESTION, ANSWER] });
  of.along = async (...where) => (where.join() === 'c_1,q_1' ? along : []);
  const room = chosen(of);
  await room.refresh();
  const [question] = room.said;
  assert.deepEqual(question.along, ['df', 'said', '2']);
  assert.equal(await room.recall(question), true);
  assert.deepEqual(question.along, ['2', 'df']);
  room.draft.edit(question, question);
  assert.deepEqual(
    room.draft.chips.map(each => each.key),
    ['variable df', 'cell 2']
  );
  room.draft.words = 'why not?';
  await handOver(room, files);
  assert.deepEqual(of.asked[0].context, [along[2]]);
  // The server looks at the variable as it is now; one that the words name needs no chip.
  assert.deepEqual(of.asked[0].see, { names: ['df'] });
});

test('what was too long to be kept is told to be missing', async () => {
  const of = server();
  of.told = async () => ({ id: 'c_1', title: 'One', notebook: null, messages: [QUESTION, ANSWER] });
  of.along = async () => [];
  const room = chosen(of);
  await room.refresh();
  assert.equal(await room.recall(room.said[0]), false);
});

test('what a question of this page goes along with is never asked of the server', async () => {
  const of = server();
  of.along = () => assert.fail('it is known');
  const room = thread(of);
  await room.send(
    ask('why?', [{ kind: 'cell', name: '2', text: 'x' }], { see: { names: ['df'] } })
  );
  assert.deepEqual(room.said[0].along, ['2', 'df']);
  assert.equal(await room.recall(room.said[0]), true);
});

test('no cell of the notebook in front goes into a conversation about another one', async () => {
  const of = server();
  const room = thread(of);
  const rooms = {
    ...roomsOf(room),
    open: { panel: failing(), path: 'b.ipynb', cell: { number: 1 } }
  };
  for (const line of ['/fix', '/explain']) {
    assert.match(
      await obey(line, { rooms, thread: room, lists, files }),
      /^This conversation is about a\.ipynb, .* Open a\.ipynb, then try again\.$/
    );
  }
  assert.deepEqual(of.asked, []);
  rooms.open.path = 'a.ipynb';
  assert.equal(await obey('/fix', { rooms, thread: room, lists, files }), null);
  await settled();
  assert.deepEqual(
    of.asked[0].context.map(({ name }) => name),
    ['KeyError in cell 1', 'cell 1']
  );
});
