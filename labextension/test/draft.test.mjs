import assert from 'node:assert/strict';
import { test } from 'node:test';

import chips from '../lib/test/composer/chip.js';
import module from '../lib/test/composer/draft.js';

const { Draft } = module;
const { cutWords, PIECE_LIMIT, textChip, variableChip } = chips;

function store() {
  const kept = new Map();
  return {
    kept,
    getItem: key => kept.get(key) ?? null,
    setItem: (key, value) => kept.set(key, value),
    removeItem: key => kept.delete(key)
  };
}

const FILE = { id: 'u_1', name: 'sales.csv', size: 12, mime: 'text/csv' };
const FIX = { error: true, cells: 'around', cell_id: 'k' };
const ask = (words, more = {}) => ({ words, context: [], attachments: [], options: {}, ...more });

test('what is handed over has everything, and the draft begins anew with its model', () => {
  const draft = new Draft(null);
  draft.words = ' why? ';
  draft.add(variableChip('df'), textChip('cell', 'cell 4', 'df.sum()'));
  draft.attach(FILE);
  draft.choose({ model: 'mock:a', see: { level: 'schema' } });
  assert.deepEqual(draft.take(), {
    words: 'why?',
    context: [{ kind: 'cell', name: 'cell 4', text: 'df.sum()' }],
    attachments: [FILE],
    options: { model: 'mock:a', see: { level: 'schema', names: ['df'] } }
  });
  assert.ok(draft.isEmpty);
  assert.deepEqual(draft.take().options, { model: 'mock:a', see: { level: 'schema' } });
});

test('nothing is said about what may be seen where nothing was chosen', () => {
  const draft = new Draft(null);
  draft.words = 'hello';
  assert.deepEqual(draft.take(), ask('hello'));
});

test('the same thing is not there twice, and goes when it is taken away', () => {
  const draft = new Draft(null);
  draft.add(textChip('cell', 'cell 1', 'old'));
  draft.add(variableChip('df'), variableChip('df'), textChip('cell', 'cell 1', 'new'));
  assert.deepEqual(
    draft.chips.map(each => [each.name, each.text]),
    [
      ['cell 1', 'new'],
      ['df', null]
    ]
  );
  draft.remove('variable df');
  draft.clearContext();
  assert.ok(draft.isEmpty);
});

test('a question that is put back stands before what was typed since', () => {
  const draft = new Draft(null);
  draft.words = 'first';
  draft.add(variableChip('df'));
  draft.attach(FILE);
  const taken = draft.take();
  draft.words = 'second';
  draft.restore(taken);
  assert.equal(draft.words, 'first\n\nsecond');
  assert.deepEqual(draft.peek().options.see, { names: ['df'] });
  assert.deepEqual(draft.attachments, [FILE]);
});

test('words outlive a reload under the name of their conversation, and a question that was sent does not', () => {
  const kept = store();
  const before = new Draft(kept);
  before.keepAs('a.ipynb#');
  before.words = 'half a quest';
  before.keepAs('a.ipynb#c_1');
  const after = new Draft(kept);
  after.keepAs('a.ipynb#');
  assert.equal(after.words, '');
  after.keepAs('a.ipynb#c_1');
  assert.equal(after.words, 'half a quest');
  after.take();
  assert.equal(kept.kept.size, 0);
});

test('what goes along outlives a reload with the words, and beside none', () => {
  const kept = store();
  const before = new Draft(kept);
  before.keepAs('a.ipynb#');
  const data = { ...variableChip('said'), data: { type: 'list' } };
  before.add(variableChip('df'), textChip('error', 'KeyError', 'x'.repeat(9000)), data);
  before.attach(FILE);
  before.words = 'why?';
  before.keepAs('a.ipynb#c_1');
  const whole = before.peek();
  const after = new Draft(kept);
  after.keepAs('a.ipynb#c_1');
  assert.deepEqual(after.peek(), whole);
  assert.deepEqual(after.chips, before.chips);
  after.words = '';
  after.remove('variable said');
  after.detach(FILE.id);
  const third = new Draft(kept);
  third.keepAs('a.ipynb#c_1');
  assert.deepEqual(
    third.chips.map(each => each.name),
    ['df', 'KeyError']
  );
  third.clearContext();
  assert.equal(kept.kept.size, 0);
});

test('what was put in before the kept words are known stands behind what goes along with them', () => {
  const kept = store();
  const before = new Draft(kept);
  before.keepAs('x');
  before.words = 'half a quest';
  before.add(variableChip('df'), textChip('cell', 'cell 1', 'old'));
  const after = new Draft(kept);
  after.add(textChip('cell', 'cell 1', 'new'));
  after.keepAs('x');
  assert.equal(after.words, 'half a quest');
  assert.deepEqual(
    after.chips.map(each => [each.name, each.text]),
    [
      ['df', null],
      ['cell 1', 'new']
    ]
  );
});

test('of a kept draft, what is not known is none', () => {
  const chip = variableChip('df');
  const chips = [null, 7, { ...chip, name: 3 }, { ...chip, text: {} }, { ...chip, of: 'x' }, chip];
  const attachments = ['u_1', { ...FILE, size: '12' }, FILE];
  const found = JSON.stringify({ words: 3, chips, attachments });
  for (const each of ['nonsense', '7', '"words"', '[]', '{"chips":3,"attachments":{}}', found]) {
    const kept = store();
    kept.setItem('tether:draft:x', each);
    const draft = new Draft(kept);
    draft.keepAs('x');
    assert.equal(draft.words, '');
    assert.deepEqual(draft.chips, each === found ? [chip] : [], each);
    assert.deepEqual(draft.attachments, each === found ? [FILE] : [], each);
  }
});

test('a store that has no room for what goes along keeps the words', () => {
  const small = store();
  const { setItem } = small;
  small.setItem = (key, value) => {
    if (value.length > 100) {
      throw new Error('full');
    }
    setItem(key, value);
  };
  const before = new Draft(small);
  before.keepAs('x');
  before.words = 'why?';
  before.add(textChip('cell', 'cell 1', 'x'.repeat(200)));
  const after = new Draft(small);
  after.keepAs('x');
  assert.deepEqual([after.words, after.chips.length], ['why?', 0]);
  assert.equal(before.chips.length, 1);
});

test('words that were typed before the kept ones are known stay', () => {
  const kept = store();
  kept.setItem('tether:draft:x', '{"words":"old"}');
  const draft = new Draft(kept);
  draft.words = 'new';
  draft.keepAs('x');
  assert.equal(draft.words, 'new');
});

test('a full store loses no typing', () => {
  const full = {
    ...store(),
    setItem: () => {
      throw new Error('full');
    }
  };
  const draft = new Draft(full);
  draft.keepAs('x');
  draft.words = 'typed';
  assert.equal(draft.words, 'typed');
});

test('editing lays aside what was being written, and gives it back when left or sent', () => {
  for (const end of ['cancelEdit', 'take']) {
    const draft = new Draft(null);
    draft.add(variableChip('df'));
    const question = ask('old words');
    draft.edit(question, question);
    assert.equal(draft.editing, question);
    assert.equal(draft.words, 'old words');
    assert.equal(draft.chips.length, 0);
    const taken = draft[end]();
    assert.equal(draft.editing, null);
    assert.equal(taken?.words, end === 'take' ? 'old words' : undefined);
    assert.deepEqual(
      draft.chips.map(each => each.name),
      ['df']
    );
  }
});

test('what one question looks at never becomes a choice of the conversation', () => {
  const chosen = { model: 'mock:a', see: { level: 'schema' } };
  const fix = ask('Fix it.', {
    options: { model: 'mock:b', preset: 'old', see: { level: 'values', names: ['df'], ...FIX } }
  });
  for (const end of ['cancelEdit', 'take']) {
    const draft = new Draft(null);
    draft.choose(chosen);
    draft.words = 'half a quest';
    draft.edit(fix, fix);
    const whole = { model: 'mock:a', see: { level: 'schema', names: ['df'], ...FIX } };
    assert.deepEqual(draft.peek().options, whole);
    assert.deepEqual(draft.options, chosen);
    draft.words = '';
    draft.words = 'Fix it otherwise.';
    const taken = draft[end]();
    assert.deepEqual(taken?.options, end === 'take' ? whole : undefined);
    assert.deepEqual(draft.options, chosen);
    assert.deepEqual(draft.take(), ask('half a quest', { options: chosen }));
  }
});

test('a question that is put back sends what it looked at, and only that question does', () => {
  const draft = new Draft(null);
  const fix = ask('Fix it.', { options: { model: 'mock:b', see: { level: 'values', ...FIX } } });
  draft.restore(fix);
  assert.deepEqual(draft.take().options, { see: FIX });
  draft.words = 'thanks';
  assert.deepEqual(draft.take().options, {});
  // Its words are taken away, and others typed.
  draft.restore(fix);
  draft.words = '';
  draft.words = 'another';
  assert.deepEqual(draft.take().options, {});
  // It is laid aside for another, and comes back.
  draft.restore(fix);
  draft.edit(ask('q'), ask('q'));
  assert.deepEqual(draft.take().options, {});
  assert.deepEqual(draft.peek().options, { see: FIX });
  draft.clearContext();
  assert.deepEqual(draft.take().options, {});
});

test('what is chosen while a question is edited is chosen for the conversation', () => {
  const draft = new Draft(null);
  draft.choose({ model: 'mock:a', see: { level: 'values' } });
  draft.edit(ask('q'), ask('q'));
  draft.choose({ see: { level: 'off' } });
  draft.take();
  assert.deepEqual(draft.options, { model: 'mock:a', see: { level: 'off' } });
});

test('what was chosen outlives a reload with the words, under the name of the conversation', () => {
  const kept = store();
  const chosen = { model: 'mock:a', preset: 'short', see: { level: 'schema' } };
  const before = new Draft(kept);
  before.keepAs('a.ipynb#');
  before.choose(chosen);
  before.keepAs('a.ipynb#c_1');
  before.restore(ask('Fix it.', { options: { see: FIX } }));
  const after = new Draft(kept);
  after.keepAs('a.ipynb#');
  assert.deepEqual(after.options, {});
  after.choose({ preset: 'long' });
  after.keepAs('a.ipynb#c_1');
  assert.deepEqual(after.options, { ...chosen, preset: 'long' });
  assert.deepEqual(after.take().options, { ...chosen, preset: 'long' });
  const other = new Draft(kept);
  other.keepAs('b.ipynb#c_2');
  assert.deepEqual(other.options, {});
  after.forget();
  assert.equal(kept.kept.size, 0);
});

test('of choices that were kept, what is not known is none', () => {
  for (const nonsense of [
    'nonsense',
    '7',
    'null',
    '{"model":1,"see":{"level":"all"}}',
    '{"see":null}'
  ]) {
    const kept = store();
    kept.setItem('tether:chosen:x', nonsense);
    const draft = new Draft(kept);
    draft.keepAs('x');
    assert.deepEqual(draft.options, {}, nonsense);
  }
});

test('typing is told apart from what goes along', () => {
  const draft = new Draft(null);
  const seen = [];
  draft.changed.connect((_, what) => seen.push(what));
  draft.words = 'a';
  draft.add(variableChip('df'));
  draft.choose({ preset: 'short' });
  assert.deepEqual(seen, ['words', 'context', 'options']);
});

test('a text is cut to the limit where it matters less, and says so', () => {
  const long = `first${'x'.repeat(9000)}last`;
  const cell = textChip('cell', 'cell 1', long);
  const error = textChip('error', 'KeyError', long);
  assert.ok(cell.text.startsWith('first') && cell.text.length === PIECE_LIMIT);
  assert.ok(error.text.endsWith('last') && error.text.length === PIECE_LIMIT);
  assert.equal(cutWords(cell), 'Cut: 4,000 of 9,009 characters go along.');
  assert.equal(cutWords(textChip('cell', 'cell 2', 'short')), null);
});
