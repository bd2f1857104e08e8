import assert from 'node:assert/strict';
import { test } from 'node:test';

import pulling from '../lib/test/models/pulls.js';
import shelf from '../lib/test/server/shelf.js';

const { Pulls, pullWords, timeLeft } = pulling;

const half = { name: 'small', file: 'small.gguf', bytes: 6e6, total: 12e6, rate: 1.5e6, eta: 4 };

/** A hub that tells of half a model, then waits to be told how it ends. */
function hub() {
  const starts = [];
  const fetch = async function* (text, signal) {
    const told = {};
    told.end = new Promise((resolve, reject) => {
      told.finish = () => resolve({ done: true, name: 'small', size: 12e6, already: false });
      told.fail = reject;
      signal.addEventListener('abort', () => reject(new Error('aborted')));
    });
    starts.push({ text, ...told });
    yield half;
    return told.end;
  };
  return { starts, pulls: new Pulls(fetch) };
}

const turn = () => new Promise(resolve => setImmediate(resolve));

test('a pull tells how far it is, and is gone from the list when the model is here', async () => {
  const { starts, pulls } = hub();
  const here = [];
  pulls.finished.connect((_, { name }) => here.push(name));
  pulls.start(' a/b ');
  pulls.start('a/b');
  await turn();
  assert.equal(starts.length, 1);
  assert.equal(starts[0].text, 'a/b');
  assert.equal(pulls.all[0].name, 'small');
  assert.equal(pullWords(pulls.all[0]), '6.00 MB of 12.0 MB · 1.50 MB/s · 4 s left');
  assert.equal(pulls.running, 1);
  starts[0].finish();
  await turn();
  assert.deepEqual(here, ['small']);
  assert.equal(pulls.all.length, 0);
});

test('who stops it keeps what came, and goes on from there', async () => {
  const { starts, pulls } = hub();
  pulls.start('a/b');
  await turn();
  pulls.cancel(pulls.all[0]);
  await turn();
  assert.equal(pullWords(pulls.all[0]), 'Stopped by you at 6.00 MB of 12.0 MB. What came is kept.');
  pulls.start('a/b');
  await turn();
  assert.equal(starts.length, 2);
  assert.equal(pulls.all.length, 1);
  assert.equal(pulls.all[0].state, 'running');
  pulls.cancel(pulls.all[0]);
  await turn();
  pulls.dismiss(pulls.all[0]);
  assert.equal(pulls.all.length, 0);
});

test('why it failed stays in the server’s own words', async () => {
  const { starts, pulls } = hub();
  const before = console.error;
  console.error = () => undefined;
  pulls.start('a/b');
  await turn();
  starts[0].fail(new Error('boom'));
  await turn();
  console.error = before;
  assert.equal(pulls.all[0].state, 'failed');
  assert.equal(pullWords(pulls.all[0]), 'Something went wrong in this page.');
});

test('before the first bytes and after the last there are words, too', () => {
  const pull = progress => ({ text: 'x', name: 'x', state: 'running', problem: null, progress });
  assert.equal(pullWords(pull(null)), 'Asking the hub…');
  assert.equal(pullWords(pull({ ...half, rate: null, eta: null })), '6.00 MB of 12.0 MB');
  assert.equal(
    pullWords(pull({ ...half, bytes: 12e6 })),
    '12.0 MB of 12.0 MB · checking the files'
  );
});

test('a guessed time is told roughly', () => {
  assert.deepEqual([0.2, 4, 42, 58, 170, 3600, 7800].map(timeLeft), [
    '1 s',
    '4 s',
    '40 s',
    '1 min',
    '3 min',
    '1 h',
    '2 h 10 min'
  ]);
});

function response(...pieces) {
  const body = new ReadableStream({
    start(stream) {
      pieces.forEach(piece => stream.enqueue(new TextEncoder().encode(piece)));
      stream.close();
    }
  });
  return { request: async () => ({ body }) };
}

async function events(server) {
  const found = [];
  const stream = shelf.pull(server, 'x', new AbortController().signal);
  for (;;) {
    const { value, done } = await stream.next();
    found.push(value);
    if (done) {
      return found;
    }
  }
}

test('the lines of a pull are read wherever they are cut', async () => {
  const line = JSON.stringify({ pull: half });
  const end = { done: true, name: 'small', size: 1, already: true };
  const server = response(line.slice(0, 9), `${line.slice(9)}\n\n`, JSON.stringify(end));
  assert.deepEqual(await events(server), [half, end]);
});

test('an error ends it, and so does a connection that breaks', async () => {
  const error = { type: 'upstream_error', message: 'Wrong bytes.', retryable: false, hint: null };
  await assert.rejects(events(response(`${JSON.stringify({ error })}\n`)), /Wrong bytes/);
  await assert.rejects(
    events(response(`${JSON.stringify({ pull: half })}\n`)),
    /Lost the connection/
  );
});
