import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Signal } from '@lumino/signaling';

import asks from '../lib/test/chat/ask.js';
import module from '../lib/test/chat/rooms.js';
import problems from '../lib/test/server/problems.js';
import { Held, settled } from './held.mjs';

const { ask } = asks;
const { Rooms } = module;
const { TurnError, UNREACHED } = problems;

/** The notebooks of a page, of which one is in front. */
class Open {
  panel = null;
  changed = new Signal(this);
  renamed = new Signal(this);
  ran = new Signal(this);

  constructor(path) {
    this.path = path;
  }

  bring(path) {
    this.path = path;
    this.changed.emit();
  }
}

/** The conversations of a page and of its tab, with `a.ipynb` in front. */
async function pageOf(server, kept = new Map()) {
  const sessionStorage = {
    getItem: key => kept.get(key) ?? null,
    setItem: (key, value) => kept.set(key, value),
    removeItem: key => kept.delete(key)
  };
  const listening = new Map();
  const heard = { addEventListener: (name, listener) => listening.set(name, listener) };
  globalThis.window = { ...heard, sessionStorage, setTimeout, clearTimeout };
  globalThis.document = { ...heard, hidden: true };
  const open = new Open('a.ipynb');
  const rooms = new Rooms(server, open);
  await settled();
  return { open, rooms, leave: () => listening.get('pagehide')({ persisted: false }) };
}

/** What a composer does when its conversation is shown. */
const composed = thread => thread.keepAs(`${thread.notebook ?? ''}#${thread.id ?? ''}`);

function history() {
  const server = new Held();
  server.keep('a_1', 'a.ipynb', 'about a', 'yes');
  server.keep('b_1', 'b.ipynb', 'older', 'yes');
  server.keep('b_2', 'b.ipynb', 'newest', 'yes');
  return server;
}

test('an older conversation stays in front when the notebook that it is about is opened, also after a reload', async () => {
  const [server, kept] = [history(), new Map()];
  const { open, rooms } = await pageOf(server, kept);
  await rooms.show('b_1');
  open.bring('b.ipynb');
  await settled();
  assert.equal(rooms.current.id, 'b_1');
  open.bring('a.ipynb');
  assert.equal(rooms.current.id, 'a_1');
  open.bring('b.ipynb');
  await settled();
  assert.equal(rooms.current.id, 'b_2');
  await rooms.show('b_1');
  const after = await pageOf(server, kept);
  after.open.bring('b.ipynb');
  await settled();
  assert.equal(after.rooms.current.id, 'b_1');
});

test('the newest conversation of a notebook is the same one when the notebook is opened', async () => {
  const server = history();
  const { open, rooms } = await pageOf(server);
  await rooms.show('b_2');
  const thread = rooms.current;
  composed(thread);
  const running = thread.send(ask('first'));
  await settled();
  await thread.send(ask('second'));
  const seen = new Set();
  rooms.changed.connect(() => seen.add(rooms.current));
  open.bring('b.ipynb');
  await settled();
  composed(rooms.current);
  assert.deepEqual([...seen], [thread]);
  open.bring('a.ipynb');
  open.bring('b.ipynb');
  assert.equal(rooms.current, thread);
  server.go(1);
  await settled();
  assert.deepEqual([thread.said.at(-2).words, thread.queued], ['second', []]);
  server.go(2);
  await running;
  // It goes on with what the notebook goes on with.
  server.keep('b_3', 'b.ipynb', 'begun elsewhere', 'yes');
  await thread.refresh();
  assert.equal(thread.id, 'b_3');
});

/** A page on which something was asked that the server never heard. */
async function unheard() {
  const [server, kept] = [history(), new Map()];
  server.stream = async function* () {
    throw new TurnError(UNREACHED);
  };
  const page = await pageOf(server, kept);
  composed(page.rooms.current);
  await page.rooms.current.send(ask('are you there?'));
  return { server, kept, ...page };
}

test('a question that nobody heard is in the field again after a reload', async () => {
  const { server, kept, rooms, leave } = await unheard();
  assert.equal(rooms.current.draft.words, '');
  leave();
  const after = await pageOf(server, kept);
  composed(after.rooms.current);
  assert.equal(after.rooms.current.draft.words, 'are you there?');
});

test('but not where it was heard after all', async () => {
  const { server, kept, leave } = await unheard();
  leave();
  server.keep('a_1', 'a.ipynb', 'are you there?', 'yes');
  const after = await pageOf(server, kept);
  composed(after.rooms.current);
  assert.equal(after.rooms.current.draft.words, '');
});

test('it stands before what is being written', async () => {
  const { rooms, leave } = await unheard();
  rooms.current.draft.words = 'something else';
  leave();
  assert.equal(rooms.current.draft.words, 'are you there?\n\nsomething else');
});

test('words that were typed before it is known that a conversation is here already go with it', async () => {
  const server = history();
  const { open, rooms } = await pageOf(server);
  await rooms.show('b_2');
  const thread = rooms.current;
  thread.draft.words = 'half a quest';
  open.bring('a.ipynb');
  open.bring(null);
  open.bring('b.ipynb');
  rooms.current.draft.words = 'typed early';
  await settled();
  assert.equal(rooms.current, thread);
  assert.equal(thread.draft.words, 'typed early\n\nhalf a quest');
});

test('a new conversation leaves the answer alone that is written for the notebook out of sight', async () => {
  const server = history();
  const { rooms } = await pageOf(server);
  const running = rooms.current.send(ask('a long one'));
  await settled();
  await rooms.show('b_1');
  await rooms.begin();
  assert.deepEqual([rooms.current.notebook, rooms.current.said.length], ['a.ipynb', 0]);
  assert.deepEqual(server.stopped, []);
  server.go(1);
  await running;
  const { messages } = await server.told('a_1');
  assert.equal(messages.at(-1).content, 'yes');
});

test('the conversation that is clicked comes to the front, and what waits in the one before is asked once', async () => {
  const server = new Held();
  server.keep('a_1', 'a.ipynb', 'older', 'yes');
  server.keep('a_2', 'a.ipynb', 'newest', 'yes');
  const { rooms } = await pageOf(server);
  const own = rooms.current;
  own.draft.words = 'typed into the newest';
  await rooms.show('a_1');
  const older = rooms.current;
  composed(older);
  const running = older.send(ask('first'));
  await settled();
  await older.send(ask('second'));
  await rooms.show('a_2');
  composed(rooms.current);
  assert.deepEqual([rooms.current.id, rooms.current.said[0].words], ['a_2', 'newest']);
  assert.equal(rooms.current.draft.words, 'typed into the newest');
  assert.deepEqual(rooms.current.queued, []);
  await rooms.show('a_1');
  composed(rooms.current);
  assert.equal(rooms.current, older);
  server.go(1);
  await settled();
  server.go(2);
  await running;
  await rooms.current.refresh();
  assert.deepEqual(
    server.asked.map(each => each.message),
    ['first', 'second']
  );
  await rooms.show('a_2');
  assert.equal(rooms.current, own);
});

test('it stays there when its answer ends after another one was asked something', async () => {
  const server = new Held();
  server.keep('a_1', 'a.ipynb', 'older', 'yes');
  server.keep('a_2', 'a.ipynb', 'newest', 'yes');
  const { rooms } = await pageOf(server);
  const running = rooms.current.send(ask('a long one'));
  await settled();
  await rooms.show('a_1');
  const other = rooms.current.send(ask('a quick one'));
  await settled();
  await rooms.show('a_2');
  server.go(1);
  await running;
  await settled();
  assert.deepEqual([rooms.current.id, rooms.current.said.at(-2).words], ['a_2', 'a long one']);
  server.go(2);
  await other;
});

test('a conversation is shown whose closed notebook has another name by now', async () => {
  const server = history();
  const { open, rooms } = await pageOf(server);
  open.bring('b.ipynb');
  await settled();
  open.bring('a.ipynb');
  await settled();
  server.leave('b.ipynb');
  assert.equal(await rooms.show('b_2', 'b_2_0'), true);
  assert.deepEqual([rooms.current.id, rooms.current.said.length], ['b_2', 2]);
});

test('a notebook is renamed for all its conversations, also where it is not open', async () => {
  const server = history();
  server.keep('a_2', 'a.ipynb', 'newest', 'yes');
  const { open, rooms } = await pageOf(server);
  await rooms.show('a_1');
  open.path = 'z.ipynb';
  open.renamed.emit({ from: 'a.ipynb', to: 'z.ipynb' });
  const running = rooms.current.send(ask('where am I?'));
  await settled();
  assert.deepEqual([server.asked[0].conversation_id, server.asked[0].notebook], ['a_1', 'z.ipynb']);
  server.go(1);
  await running;
  await rooms.show('b_1');
  let told = 0;
  rooms.changed.connect(() => told++);
  open.renamed.emit({ from: 'b.ipynb', to: 'y.ipynb' });
  assert.deepEqual([rooms.current.notebook, told], ['y.ipynb', 1]);
});

test('what is asked about the notebook in front goes to its own conversation, and another draft stays', async () => {
  const [server, kept] = [history(), new Map()];
  const { rooms } = await pageOf(server, kept);
  const own = rooms.current;
  await rooms.show('b_1');
  const other = rooms.current;
  other.draft.words = 'half a quest';
  const thread = await rooms.bringOwn();
  assert.deepEqual([thread, rooms.current], [own, own]);
  assert.equal(other.draft.words, 'half a quest');
  const running = thread.send(ask('Fix the error in cell 2'));
  await settled();
  const { notebook, conversation_id } = server.asked[0];
  assert.deepEqual([notebook, conversation_id], ['a.ipynb', 'a_1']);
  server.go(1);
  await running;
  const after = await pageOf(server, kept);
  assert.equal(after.rooms.current.id, 'a_1');
});

test('a conversation that is about that notebook, or about none, stays where it is for that', async () => {
  const server = history();
  server.keep('a_2', 'a.ipynb', 'newest', 'yes');
  server.keep('n_1', null, 'of no notebook', 'yes');
  const { rooms } = await pageOf(server);
  for (const id of ['a_1', 'n_1']) {
    await rooms.show(id);
    assert.equal((await rooms.bringOwn()).id, id);
    assert.equal(rooms.current.id, id);
  }
});

test('nor does it wait to be read what a chosen conversation is about', async () => {
  const server = history();
  const { rooms } = await pageOf(server);
  const read = server.hold('read');
  const showing = rooms.show('b_1');
  const bringing = rooms.bringOwn();
  assert.equal(rooms.current.id, 'a_1');
  read();
  await showing;
  assert.equal((await bringing).id, 'a_1');
  assert.equal(rooms.current.id, 'a_1');
});

test('it is the conversation that the notebook goes on with by now', async () => {
  const server = history();
  const { rooms } = await pageOf(server);
  await rooms.show('b_1');
  server.keep('a_2', 'a.ipynb', 'begun elsewhere', 'yes');
  await rooms.show('a_2');
  const newest = rooms.current;
  await rooms.show('b_1');
  assert.equal(await rooms.bringOwn(), newest);
  assert.equal(rooms.current, newest);
});

test('what is typed about a notebook that is renamed out of sight is there after a reload', async () => {
  const [server, kept] = [history(), new Map()];
  const { open, rooms } = await pageOf(server, kept);
  await rooms.show('b_1');
  composed(rooms.current);
  rooms.current.draft.words = 'about the older one';
  open.bring('b.ipynb');
  open.bring('a.ipynb');
  await settled();
  composed(rooms.current);
  rooms.current.draft.words = 'half a quest';
  open.bring('c.ipynb');
  server.leave('a.ipynb');
  server.keep('a_1', 'z.ipynb', 'about a', 'yes');
  open.renamed.emit({ from: 'a.ipynb', to: 'z.ipynb' });
  open.renamed.emit({ from: 'b.ipynb', to: 'y.ipynb' });
  assert.ok([...kept.keys()].every(key => !/[ab]\.ipynb/.test(key)));
  const after = await pageOf(server, kept);
  after.open.bring('z.ipynb');
  await settled();
  composed(after.rooms.current);
  assert.equal(after.rooms.current.draft.words, 'half a quest');
});
