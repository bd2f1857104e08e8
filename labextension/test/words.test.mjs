import assert from 'node:assert/strict';
import { test } from 'node:test';

import module from '../lib/test/chat/words.js';

const { figures, phaseWords, sentenceEnd, spoken } = module;

test('a wait says what it waits for and how long it has', () => {
  assert.equal(phaseWords('sending', 0, 0), 'Sending');
  assert.equal(phaseWords('queued', 0, 2), 'Waiting, 2nd in line');
  assert.equal(phaseWords('queued', 0, 1), 'Waiting, next in line');
  assert.equal(phaseWords('queued', 0, 11), 'Waiting, 11th in line');
  assert.equal(phaseWords('queued', 0, 23), 'Waiting, 23rd in line');
  assert.equal(phaseWords('thinking', 12.7, 0), 'Thinking, 12 s');
  assert.equal(phaseWords('stopped', 3, 0), 'Stopped by you');
});

test('a lost connection says when it is tried again', () => {
  assert.equal(phaseWords('lost', 0, 0, null, 4), 'Lost the connection, trying again in 4 s');
  assert.equal(phaseWords('lost', 3.5, 0, null, 4), 'Lost the connection, trying again in 1 s');
  assert.equal(phaseWords('lost', 5, 0, null, 4), 'Lost the connection, trying again');
});

test('a model that loads is named, with how far it is where that is known', () => {
  assert.equal(phaseWords('loading', 4, 0, { name: 'tiny', progress: 0 }), 'Loading tiny');
  assert.equal(
    phaseWords('loading', 4, 0, { name: 'tiny', progress: 0.389 }),
    'Loading tiny, 38 %'
  );
  assert.equal(phaseWords('loading', 31, 0, null), 'Still loading the model');
});

test('a wait over 30 seconds changes its words', () => {
  for (const phase of ['sending', 'waiting', 'thinking']) {
    const before = phaseWords(phase, 29, 0).replace(/\d+/, '');
    assert.notEqual(phaseWords(phase, 31, 0).replace(/\d+/, ''), before);
  }
  assert.equal(phaseWords('thinking', 75, 0), 'Still thinking, 1 min 15 s');
});

test('the quiet line leaves out what is not known', () => {
  const all = { model: 'm', place: 'this machine', tokens: 1212, perSecond: 41.4, finish: 'stop' };
  assert.equal(figures(all), 'm · this machine · 1,212 tokens · 41/s');
  assert.equal(
    figures({ ...all, tokens: 1, perSecond: 4.25 }),
    'm · this machine · 1 token · 4.3/s'
  );
  assert.equal(figures({ ...all, tokens: null, perSecond: null }), 'm · this machine');
  assert.equal(
    figures({ model: null, place: 'x', tokens: null, perSecond: null, finish: null }),
    ''
  );
  assert.match(figures({ ...all, finish: 'length' }), /cut at the token limit$/);
});

test('code is named and not spelled out to a listener', () => {
  assert.equal(
    spoken('Do **this**:\n\n```python\nx = 1\n```\n\nThen run it.'),
    'Do this: Code block. Then run it.'
  );
  assert.ok(spoken('word '.repeat(1000)).length < 700);
});

test('the rule under a table is no words', () => {
  assert.equal(spoken('| a | b |\n| --- | :-: |\n| 1 | 2 |'), 'a b 1 2');
});

test('a sign that a model repeats for ever holds nobody up', () => {
  // Looked at in each way there is, these would take minutes.
  const many = 100_000;
  for (const sign of ['-', '|-', ' ', '`', '~']) {
    const row = sign.repeat(many);
    assert.ok(spoken(`${row} and on`).length < 700);
    assert.equal(sentenceEnd(`${row} and on. Then`, 0), row.length + ' and on.'.length);
  }
  assert.equal(spoken('a\n----\n-- b\nc -- d\n  :-:--|  \ne'), 'a -- b c -- d e');
  assert.equal(spoken('````\n```\nx\n````\ny'), 'Code block. y');
});
