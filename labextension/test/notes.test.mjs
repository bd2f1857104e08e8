import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Signal } from '@lumino/signaling';
import React from 'react';
import { renderToStaticMarkup } from 'react-dom/server';

import answers from '../lib/test/chat/answer.js';
import status from '../lib/test/chat/status.js';
import threads from '../lib/test/chat/thread.js';
import toast from '../lib/test/threads/toast.js';

const { Answer, Question } = answers;
const { Thread } = threads;

const stored = (id, parent_id, role, more = {}) => ({
  id,
  parent_id,
  role,
  content: `words of ${id}`,
  status: 'complete',
  created_at: '2026-11-20T10:00:00Z',
  finish_reason: 'stop',
  error: null,
  reaction: null,
  ...more
});

/** A server with one exchange, whose next answer goes on until it is let go. */
function serverOf() {
  const kept = [stored('q1', null, 'user'), stored('a1', 'q1', 'assistant')];
  const gone = new Set();
  let go;
  const held = new Promise(resolve => (go = resolve));
  return {
    go,
    refuses: false,
    told: async () => ({
      id: 'c1',
      title: 'One',
      messages: kept.filter(each => !gone.has(each.parent_id) && !gone.has(each.id))
    }),
    remove: async (id, deleted = true) => void (deleted ? gone.add(id) : gone.delete(id)),
    async *stream() {
      if (this.refuses) {
        throw new Error('refused');
      }
      kept.push(stored('q2', null, 'user'), stored('a2', 'q2', 'assistant', { status: 'running' }));
      // It is kept before its reader hears of it.
      await held;
      yield { meta: { id: 'a2', conversation_id: 'c1', parent_id: 'q2', model: 'mock:mock' } };
      kept[3].status = 'complete';
      yield { delta: 'words of a2' };
      yield { done: true, finish_reason: 'stop' };
    }
  };
}

function threadOf(server) {
  return new Thread({
    server,
    notebook: null,
    conversation: 'c1',
    contextOf: () => [],
    health: () => null,
    allowed: () => true
  });
}

const settled = () => new Promise(resolve => setImmediate(resolve));
const ids = thread => thread.said.map(each => each.id);

/** What the row above the input says while an answer is written, or while none is. */
function row(note, busy) {
  const answer = new Answer(new Question('?'));
  const thread = { busy, answer, stateChanged: new Signal({}) };
  const { Status } = status;
  return renderToStaticMarkup(React.createElement(Status, { thread, toast: note }));
}

test('what was just done is told, with the way back, whether or not an answer is written', t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const note = new toast.Toast();
  // A screen reader hears what comes into a place that it knows.
  const place = '<span class="tether-notePlace" role="status">';
  assert.ok(row(note, true).includes(`${place}</span>`));
  note.say('Added cell 5.', () => undefined);
  for (const busy of [true, false]) {
    const shown = row(note, busy);
    assert.ok(shown.includes(`${place}<span class="tether-note"`));
    assert.match(shown, /Added cell 5\. .*Undo/);
  }
});

test('what was taken away comes back beside what was asked since, and leaves its answer alone', async () => {
  const server = serverOf();
  const thread = threadOf(server);
  await thread.refresh();
  const undo = await thread.remove(thread.said[0]);
  assert.deepEqual(ids(thread), []);
  const asked = thread.ask(new Question('and this?'));
  await settled();
  const [question, answer] = thread.said;
  await undo();
  assert.deepEqual(thread.said, [question, answer]);
  assert.equal(thread.answer, answer);
  server.go();
  await asked;
  assert.deepEqual(ids(thread), ['q2', 'a2']);
  assert.deepEqual(thread.siblings(question), { at: 2, count: 2 });
});

test('what never reached the server comes back without taking away what was asked since', async t => {
  t.mock.method(console, 'error', () => undefined);
  const server = serverOf();
  const thread = threadOf(server);
  await thread.refresh();
  server.refuses = true;
  await thread.ask(new Question('are you there?'));
  const lost = thread.said[2];
  const undo = await thread.remove(lost);
  assert.deepEqual(ids(thread), ['q1', 'a1']);
  server.refuses = false;
  const asked = thread.ask(new Question('and this?'));
  await settled();
  const { answer } = thread;
  await undo();
  assert.ok(thread.said.includes(lost));
  assert.equal(thread.said.at(-1), answer);
  server.go();
  await asked;
  assert.ok(thread.said.includes(lost) && thread.said.includes(answer));
});
