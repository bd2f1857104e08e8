import assert from 'node:assert/strict';
import { test } from 'node:test';

import events from '../lib/test/server/events.js';

const { EventDecoder, isTerminal } = events;

const STREAM = [
  { meta: { id: 'm_1', conversation_id: 'c_1', parent_id: null, model: 'm', role: 'assistant' } },
  { queued: { position: 2 } },
  { thinking: 'hm' },
  { delta: 'a "quoted"\nline, é, 🦆' },
  { usage: { prompt_tokens: 3, completion_tokens: 4, tokens_per_s: null } },
  { done: true, finish_reason: 'stop' }
];
const BODY = STREAM.map(event => JSON.stringify(event) + '\n').join('');

test('a body cut anywhere decodes to the same events', () => {
  for (let cut = 0; cut <= BODY.length; cut++) {
    const decoder = new EventDecoder();
    const found = [
      ...decoder.push(BODY.slice(0, cut)),
      ...decoder.push(BODY.slice(cut)),
      ...decoder.end()
    ];
    assert.deepEqual(found, STREAM);
  }
});

test('one character at a time decodes to the same events', () => {
  const decoder = new EventDecoder();
  const found = [...BODY].flatMap(character => decoder.push(character));
  assert.deepEqual(found, STREAM);
});

test('a last line without a newline is not lost', () => {
  const decoder = new EventDecoder();
  assert.deepEqual(decoder.push('{"delta":"a"}'), []);
  assert.deepEqual(decoder.end(), [{ delta: 'a' }]);
  assert.deepEqual(decoder.end(), []);
});

test('blank lines and carriage returns, which keep a connection alive, are no events', () => {
  const decoder = new EventDecoder();
  assert.deepEqual(decoder.push('\n\r\n  \n{"delta":"a"}\r\n\n'), [{ delta: 'a' }]);
});

test('a line that is not JSON is an error', () => {
  assert.throws(() => new EventDecoder().push('<html>\n'), SyntaxError);
});

test('done and error end a stream, and nothing else does', () => {
  assert.deepEqual(
    STREAM.map(isTerminal),
    STREAM.map((_, i) => i === STREAM.length - 1)
  );
  assert.ok(isTerminal({ error: { type: 'internal', message: '', retryable: false, hint: null } }));
});
