import assert from 'node:assert/strict';
import { test } from 'node:test';

import module from '../lib/test/inline/region.js';

const { carried, change, fitting, picture, selected } = module;

const SOURCE = 'import os\n\ndef f(x):\n    y = x + 1\n    return y\n\nprint(f(1))';
const ALL = { from: 0, to: SOURCE.length };

const made = (source, edit) =>
  edit ? source.slice(0, edit.from) + edit.text + source.slice(edit.to) : source;

test('a proposal for the whole cell is shown by its lines', () => {
  const text = SOURCE.replace('x + 1', 'x + 2');
  assert.deepEqual(picture(SOURCE, ALL, { text, whole: true }), {
    first: 0,
    hunks: [{ from: 3, to: 4, lines: ['    y = x + 2'] }]
  });
});

test('a proposal for a selection touches its lines alone', () => {
  const from = SOURCE.indexOf('x + 1');
  const region = { from, to: from + 5 };
  assert.deepEqual(picture(SOURCE, region, { text: 'abs(x)', whole: true }), {
    first: 3,
    hunks: [{ from: 0, to: 1, lines: ['    y = abs(x)'] }]
  });
});

test('lines that arrive unchanged show nothing, the last one not even in its middle', () => {
  for (let end = 0; end <= SOURCE.length; end++) {
    const text = SOURCE.slice(0, end);
    assert.deepEqual(picture(SOURCE, ALL, { text, whole: false }).hunks, [], text);
  }
});

test('a line under way is shown as soon as it is another than the old one', () => {
  const text = 'import os\n\ndef g';
  assert.deepEqual(picture(SOURCE, ALL, { text, whole: false }).hunks, [
    { from: 2, to: 2, lines: ['def g'] }
  ]);
});

test('an empty cell gets every line', () => {
  const region = { from: 0, to: 0 };
  assert.deepEqual(picture('', region, { text: 'a\nb', whole: true }).hunks, [
    { from: 0, to: 0, lines: ['a', 'b'] }
  ]);
  assert.deepEqual(picture('', region, { text: 'a\nb', whole: false }).hunks, [
    { from: 0, to: 0, lines: ['a', 'b'] }
  ]);
});

test('a selection of whole lines ends before the line break, and begins with its indentation', () => {
  const from = SOURCE.indexOf('y = x');
  const to = SOURCE.indexOf('\nprint');
  assert.deepEqual(selected(SOURCE, from, to), { from: from - 4, to: to - 1 });
  assert.deepEqual(selected(SOURCE, from + 4, from + 9), { from: from + 4, to: from + 9 });
});

test('what replaces whole lines is indented as they are', () => {
  const from = SOURCE.indexOf('    y = x');
  const region = { from, to: SOURCE.indexOf('\n\nprint') };
  const whole = true;
  assert.equal(fitting(SOURCE, region, { text: 'return x + 1', whole }), '    return x + 1');
  const inside = { from: from + 8, to: from + 13 };
  assert.equal(fitting(SOURCE, inside, { text: 'x - 1', whole }), 'x - 1');
  assert.equal(fitting(SOURCE, ALL, { text: 'x', whole }), 'x');
});

test('blank lines at the end of a cell stay, and none are added to what is still written', () => {
  const region = { from: 0, to: 7 };
  assert.equal(fitting('x = 1\n\n', region, { text: 'x = 2', whole: true }), 'x = 2\n\n');
  assert.equal(fitting('x = 1\n\n', region, { text: 'x = 2', whole: false }), 'x = 2');
  assert.equal(fitting('\n\n', { from: 0, to: 2 }, { text: 'x', whole: true }), 'x');
});

test('the change is the least there is, and makes the proposal', () => {
  const text = SOURCE.replace('x + 1', 'x + 12');
  const edit = change(SOURCE, ALL, text);
  assert.equal(edit.text, '2');
  assert.equal(made(SOURCE, edit), text);
  assert.equal(change(SOURCE, ALL, SOURCE), null);
  assert.equal(made('aXa', change('aXa', { from: 0, to: 3 }, 'aa')), 'aa');
  assert.equal(made('', change('', { from: 0, to: 0 }, 'new')), 'new');
});

test('a cell that was put in anew keeps its place, has another as a whole, and no selection in that', () => {
  const part = { from: 2, to: 4 };
  assert.equal(carried(SOURCE, SOURCE, part, true), part);
  assert.deepEqual(carried(SOURCE, 'x = 1', ALL, false), { from: 0, to: 5 });
  assert.equal(carried(SOURCE, 'x = 1', part, true), null);
});
