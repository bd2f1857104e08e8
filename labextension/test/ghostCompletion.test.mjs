import assert from 'node:assert/strict';
import { test } from 'node:test';

import module from '../lib/test/ghost/completion.js';

const { Completion } = module;

/** A request whose pieces are given one by one. */
function request(prefix, suffix = '') {
  const queue = [];
  let wake = () => {};
  let aborted = false;
  const completion = new Completion(
    prefix,
    suffix,
    { lines: false, gap: { prefix, suffix } },
    async function* (signal) {
      signal.addEventListener('abort', () => {
        aborted = true;
        wake();
      });
      for (;;) {
        while (queue.length) {
          const piece = queue.shift();
          if (piece === null) {
            return;
          }
          if (piece instanceof Error) {
            throw piece;
          }
          yield piece;
        }
        if (aborted) {
          throw new Error('aborted');
        }
        await new Promise(done => (wake = done));
      }
    }
  );
  const say = async piece => {
    queue.push(piece);
    wake();
    await new Promise(done => setTimeout(done));
  };
  return { completion, say, aborted: () => aborted };
}

test('what is typed along with it leaves the rest', async () => {
  const { completion, say } = request('x = pr');
  await say('int(');
  assert.equal(completion.rest('x = pr', ''), 'int(');
  assert.equal(completion.rest('x = prin', ''), 't(');
  await say('x)');
  await say(null);
  assert.equal(completion.rest('x = print', ''), '(x)');
  assert.ok(completion.ended && !completion.cancelled);
});

test('what is typed faster than it comes is waited for', async () => {
  const { completion, say } = request('pr');
  await say('in');
  assert.equal(completion.rest('print', ''), '');
  await say('t(x)');
  assert.equal(completion.rest('print', ''), '(x)');
});

test('other text, another place and other text behind it are not its own', async () => {
  const { completion, say } = request('pr', ')');
  await say('int(x');
  assert.equal(completion.rest('pri', ')'), 'nt(x');
  assert.equal(completion.rest('pro', ')'), null);
  assert.equal(completion.rest('p', ')'), null);
  assert.equal(completion.rest('pri', '))'), null);
});

test('a cancelled one has nothing to show, says nothing more, and ends the request', async () => {
  const { completion, say, aborted } = request('pr');
  await say('in');
  let heard = 0;
  completion.changed.connect(() => heard++);
  completion.cancel();
  assert.equal(heard, 1);
  await say('t(x)');
  assert.ok(aborted() && completion.ended && completion.cancelled);
  assert.equal(completion.rest('pr', ''), null);
  assert.equal(completion.failure, null);
  assert.equal(heard, 1);
});

test('one that is complete can be cancelled still, and then is gone', async () => {
  const { completion, say } = request('pr');
  await say('int');
  await say(null);
  completion.cancel();
  assert.equal(completion.rest('pr', ''), null);
});

test('a failure keeps what came', async () => {
  const { completion, say } = request('pr');
  await say('int');
  await say(new Error('broken'));
  assert.equal(completion.failure.message, 'broken');
  assert.equal(completion.rest('pr', ''), 'int');
});

test('a model that goes on where nothing more is shown is told to stop', async () => {
  const { completion, say, aborted } = request('pr');
  await say('int(x)\n');
  await say('y = 1\n'.repeat(60));
  assert.ok(aborted() && completion.ended && !completion.cancelled);
  assert.equal(completion.failure, null);
  assert.equal(completion.rest('pr', ''), 'int(x)');
});

test('who begins to listen late is told what came meanwhile, and the end of it', async () => {
  const { completion, say } = request('x = ');
  await say('int');
  const told = completion.rest('x = ', '');
  await say('(1)');
  await say(null);
  const heard = [];
  for await (const text of completion.follow(() => completion.rest('x = ', ''), told)) {
    heard.push(text);
  }
  assert.deepEqual(heard, ['int(1)']);
});

test('who listens hears nothing twice, and nothing once the text is another', async () => {
  const { completion, say } = request('x = ');
  const heard = [];
  let prefix = 'x = ';
  const listening = (async () => {
    for await (const text of completion.follow(() => completion.rest(prefix, ''), '')) {
      heard.push(text);
    }
  })();
  await say('in');
  await say('t');
  prefix = 'x = y';
  await say('(1)');
  await listening;
  assert.deepEqual(heard, ['in', 'int']);
});
