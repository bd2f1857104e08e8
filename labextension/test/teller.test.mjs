import assert from 'node:assert/strict';
import { test } from 'node:test';

import tellers from '../lib/test/chat/teller.js';
import module from '../lib/test/chat/words.js';

const { Teller } = tellers;
const { sentenceEnd } = module;
const told = (phase, text = '', more = {}) => ({ phase, text, position: 0, load: null, ...more });

/** What is heard as one answer goes on. */
function heard(...states) {
  const teller = new Teller();
  const answer = told('sending');
  return states.map(state => teller.hear(Object.assign(answer, state)));
}

test('an answer is told by the sentence, and each sentence once', () => {
  assert.deepEqual(
    heard(
      told('writing', 'The first sen'),
      told('writing', 'The first sentence. The sec'),
      told('writing', 'The first sentence. The second'),
      told('writing', 'The first sentence. The second one. And th'),
      told('done', 'The first sentence. The second one. And the third.')
    ),
    [
      'Writing',
      'The first sentence.',
      'The first sentence.',
      'The second one.',
      'And the third. The answer is complete.'
    ]
  );
});

test('a short answer is told whole', () => {
  assert.deepEqual(heard(told('waiting'), told('done', 'Two.')), [
    'Waiting for the first word',
    'Tether answered. Two.'
  ]);
});

test('a phase is told once, without what counts up', () => {
  const load = progress => told('loading', '', { load: { name: 'tiny', progress } });
  assert.deepEqual(heard(load(0.1), load(0.5)), ['Loading tiny', 'Loading tiny']);
});

test('a failure is told in its own words, and another answer begins anew', () => {
  const teller = new Teller();
  const problem = { message: 'The model stopped answering.' };
  assert.equal(teller.hear(told('writing', 'One. ')), 'One.');
  assert.equal(teller.hear(told('failed', 'One. ', { problem })), problem.message);
  assert.equal(teller.hear(told('writing', 'Other. ')), 'Other.');
  assert.equal(teller.hear(null), '');
});

test('no sentence ends in a code block or with the number of a list', () => {
  assert.equal(sentenceEnd('Do this:\n\n```python\na. b\n', 0), 'Do this:\n'.length);
  const closed = 'Do this:\n\n```python\na. b\n```';
  assert.equal(sentenceEnd(`${closed}\nthen`, 0), closed.length);
  assert.equal(sentenceEnd('1. first', 0), 0);
  assert.equal(sentenceEnd('So.\n1. first', 0), 3);
  assert.equal(sentenceEnd('版本是三。接着', 0), 5);
});
