import assert from 'node:assert/strict';
import { test } from 'node:test';

import along from '../lib/test/inline/along.js';
import question from '../lib/test/inline/question.js';
import words from '../lib/test/inline/words.js';

const { Along, goesAlong, neighboursOf } = along;
const { questionFor } = question;
const { failed, happening, proposed } = words;

const KEYS = { accept: 'Ctrl+Enter', cancel: 'Esc' };
const WANTED = {
  words: 'make it faster',
  before: [],
  proposal: null,
  kind: 'code',
  number: 4,
  source: 'x = 1',
  selection: null,
  neighbours: [
    { number: 3, source: 'import os' },
    { number: 5, source: ' \n' }
  ],
  notebook: 'a.ipynb',
  language: 'python'
};

test('a finished proposal says how much it changes and what the keys do', () => {
  assert.equal(
    proposed(3, KEYS, false),
    '3 lines changed. Ctrl+Enter takes it, Esc gives it back.'
  );
  assert.equal(proposed(1, KEYS, false), '1 line changed. Ctrl+Enter takes it, Esc gives it back.');
  assert.equal(proposed(0, KEYS, false), 'Nothing would change. Esc gives it back.');
  assert.equal(proposed(2, { accept: '', cancel: '' }, false), '2 lines changed.');
  assert.match(proposed(2, KEYS, true), /edited meanwhile/);
  assert.match(
    proposed(2, KEYS, false, 1),
    /changed\. ••• stands for a secret that was masked\. Ctrl/
  );
});

test('a wait says what it waits for, in other words when it is long', () => {
  assert.equal(happening('asking', 0), 'Asking');
  assert.equal(happening('asking', 31), 'Still waiting for the model, 31 s');
  assert.equal(happening('queued', 4, 2), 'Waiting, 2nd in line');
  assert.equal(happening('queued', 4, 1), 'Waiting, next in line');
  assert.equal(happening('queued', 4, 12), 'Waiting, 12th in line');
  assert.equal(happening('thinking', 12.6), 'Thinking, 12 s');
  assert.equal(happening('writing', 99), 'Writing');
  assert.equal(failed('It broke.', 'Try again.'), 'It broke. Try again.');
});

test('a question holds the cell and its neighbours, and is kept nowhere', () => {
  const asked = questionFor(WANTED);
  assert.equal(asked.message, 'make it faster');
  assert.equal(asked.store, false);
  assert.equal(asked.notebook, 'a.ipynb');
  assert.deepEqual(
    asked.context.map(each => [each.kind, each.name, each.text]),
    [
      ['cell', 'cell 3', 'import os'],
      ['cell', 'cell 4, the one to change', 'x = 1']
    ]
  );
  assert.match(asked.system, /change the code.*whole new source/s);
});

test('of the cells around, the farthest is left out first where there is no room; what is asked about goes along', () => {
  const neighbours = [2, 3, 4, 5, 7].map(number => ({ number, source: `x${number} = 1` }));
  const asked = questionFor({
    ...WANTED,
    number: 6,
    neighbours,
    selection: 'x = 1',
    proposal: 'x = 2'
  });
  assert.deepEqual(
    asked.context.map(each => [each.name, each.optional]),
    [
      ['cell 2', 4],
      ['cell 3', 3],
      ['cell 4', 2],
      ['cell 5', 1],
      ['cell 7', 1],
      ['cell 6, the one to change', undefined],
      ['selected in cell 6', undefined],
      ['the proposal so far', undefined]
    ]
  );
});

test('a question has no past, and looks at nothing but what its words name by @', () => {
  const [one, two] = [questionFor(WANTED), questionFor(WANTED)];
  assert.match(one.conversation_id, /^inline-[a-z0-9-]+$/);
  assert.notEqual(one.conversation_id, two.conversation_id);
  assert.deepEqual(one.see, { cells: 'off', names: [], error: false, running: false });
});

test('a language other than Python is told for code, and for code alone', () => {
  const asked = more => questionFor({ ...WANTED, ...more }).system;
  assert.match(asked({ language: 'R' }), /one cell of a Jupyter notebook in R, as the user asks/);
  for (const more of [{}, { language: '' }, { language: 'R', kind: 'markdown' }]) {
    assert.match(asked(more), /one cell of a Jupyter notebook, as the user asks/);
  }
});

test('an answer may be as long as what it replaces', () => {
  const source = 'value = 1\n'.repeat(600);
  assert.equal(questionFor({ ...WANTED, source }).max_tokens, 1024 + 2400);
  assert.equal(questionFor({ ...WANTED, source, selection: 'value' }).max_tokens, 1026);
  assert.equal(questionFor({ ...WANTED, source: source.repeat(99) }).max_tokens, 16_000);
});

test('an empty cell is written, a selection replaced, a text cell fenced so that it can hold code', () => {
  assert.match(questionFor({ ...WANTED, source: '' }).system, /You write the code/);
  const selection = questionFor({ ...WANTED, selection: '1' });
  assert.match(selection.system, /takes the place of the selected part alone/);
  assert.deepEqual(selection.context.at(-1), {
    kind: 'selection',
    name: 'selected in cell 4',
    text: '1'
  });
  assert.match(questionFor({ ...WANTED, kind: 'markdown' }).system, /Markdown.*four backticks/s);
});

test('what follows up refines the proposal', () => {
  const asked = questionFor({ ...WANTED, before: ['add a loop'], proposal: 'for x in y: pass' });
  assert.match(asked.message, /answers this:\n- add a loop\n\nChange the proposal: make it faster/);
  assert.equal(asked.context.at(-1).text, 'for x in y: pass');
});

test('what goes along is told by its cells, and where to', () => {
  const api = { place: 'api.openai.com', leaves: true };
  assert.equal(goesAlong([2, 3, 4, 5, 6], 5, api), 'With cells 2 to 6 · to api.openai.com');
  assert.equal(
    goesAlong([1, 2, 5, 4, 6], 5, api),
    'With cells 1, 2 and 4 to 6 · to api.openai.com'
  );
  const here = { place: 'this machine', leaves: false };
  assert.equal(goesAlong([1, 2], 1, here), 'With cells 1 and 2 · stays on this machine');
  assert.equal(goesAlong([3], 3, null), 'With this cell');
  assert.equal(goesAlong([2], 3, null), 'With cell 2');
  assert.equal(goesAlong([], 1, here), 'With nothing of the notebook · stays on this machine');
});

test('cells that there is no room for are not told as if they went along', async () => {
  const left = name => ({ kind: 'cell', name, tokens: 600, why: 'over the budget' });
  const to = { place: 'this machine', leaves: false };
  const found = new Along(
    async () => ({ to, masked: [], left_out: [2, 3, 7].map(each => left(`cell ${each}`)) }),
    () => undefined
  );
  await found.look({});
  assert.equal(
    goesAlong([2, 3, 4, 5, 7, 6], 6, found.to, found.leftOut),
    'With cells 4 to 6 · no room for 2, 3 and 7 · stays on this machine'
  );
  assert.equal(goesAlong([2, 6], 6, null, found.leftOut), 'With this cell · no room for 2');
});

test('the four cells before and the one after go along', () => {
  const cell = source => ({ model: { sharedModel: { getSource: () => source } } });
  const content = { widgets: [...'abcdefgh'].map(cell) };
  const numbers = at => neighboursOf({ content }, at).map(each => each.number);
  assert.deepEqual(numbers(6), [2, 3, 4, 5, 7]);
  assert.deepEqual(numbers(1), [2]);
  assert.equal(neighboursOf({ content }, 8).at(-1).source, 'g');
});

test('where a question goes is known once the server has said so; until then anything may be masked', async () => {
  const replies = [
    { to: { place: 'a.example', leaves: true }, masked: [] },
    { to: { place: 'b.example', leaves: true }, masked: [{ kind: 'password', count: 1 }] }
  ];
  let told = 0;
  const found = new Along(
    async () => replies.shift() ?? Promise.reject(new Error('away')),
    () => told++
  );
  assert.deepEqual([found.to, found.masked], [null, true]);
  await found.look({});
  assert.deepEqual([found.to.place, found.masked, told], ['a.example', false, 1]);
  const looking = found.look({});
  assert.equal(found.masked, true);
  await looking;
  assert.deepEqual([found.to.place, found.masked], ['b.example', true]);
  await found.look({});
  assert.deepEqual([found.to, found.masked, told], [null, true, 3]);
});
