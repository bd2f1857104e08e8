import assert from 'node:assert/strict';
import { test } from 'node:test';

import module from '../lib/test/ghost/trim.js';

const { atEmptyLine, MOST_LINES, shown } = module;

const at = (text, lines = false) => {
  const [prefix, suffix = ''] = text.split('|');
  return { lines, gap: { prefix, suffix } };
};
const whole = (raw, place, lines) => shown(raw, at(place, lines), true);

test('one line is shown where something stands before the cursor', () => {
  assert.equal(whole('ad_csv("a")\nprint(df)', 'df = pd.re|'), 'ad_csv("a")');
});

test('several lines are for a line on which nothing stands', () => {
  assert.ok(atEmptyLine(at('x = 1\n    |\ny').gap));
  assert.ok(!atEmptyLine(at('x = |').gap));
  assert.ok(!atEmptyLine(at('    |return').gap));
  assert.equal(whole('a = 1\nb = 2', 'x = 0\n|', true), 'a = 1\nb = 2');
});

test('lines end where the indentation does, at a second empty line, and after so many', () => {
  assert.equal(whole('a = 1\n    b = 2\nc = 3', 'def f():\n    |', true), 'a = 1\n    b = 2');
  assert.equal(whole('a = 1\n\n\nb = 2', 'x\n|', true), 'a = 1');
  const long = Array.from({ length: 40 }, (_, n) => `a${n} = ${n}`).join('\n');
  assert.equal(whole(long, 'x\n|', true).split('\n').length, MOST_LINES);
});

test('what stands below already is not proposed again', () => {
  assert.equal(whole('a = 1\nprint(a)', 'x\n|\nprint(a)', true), 'a = 1');
});

test('what stands after the cursor is not repeated', () => {
  assert.equal(whole('total)', 'print(|)'), 'total');
  assert.equal(whole('f(total)', 'print(|)'), 'f(total)');
  assert.equal(whole('f(total))', 'print(|)'), 'f(total)');
  assert.equal(whole('a", "b"]', 'x = ["|"]'), 'a", "b');
  assert.equal(whole('x, key=len)', 'sorted(|, key=len)'), 'x');
});

test('a repetition is held back while it may still become one', () => {
  assert.equal(shown('x, key', at('sorted(|, key=len)'), false), 'x');
  assert.equal(shown('x, kind', at('sorted(|, key=len)'), false), 'x, kind');
});

test('fences go, and nothing of one is ever shown', () => {
  const raw = '```python\na = 1\nb = 2\n```\nThat adds them.';
  for (let end = 1; end <= raw.length; end++) {
    const text = shown(raw.slice(0, end), at('x\n|', true), false);
    assert.ok('a = 1\nb = 2'.startsWith(text), JSON.stringify(text));
  }
  assert.equal(whole(raw, 'x\n|', true), 'a = 1\nb = 2');
  assert.equal(whole('```', 'x = |'), '');
});

test('indentation that is there is kept, and not doubled', () => {
  assert.equal(whole('    return x', 'def f(x):\n    |', true), 'return x');
  assert.equal(whole('    return x', 'def f(x):\n|', true), '    return x');
  assert.equal(whole('  y = 1', 'x = 1\n|', true), 'y = 1');
  assert.equal(whole(' 1', 'x = |'), '1');
  assert.equal(whole(' 1', 'x =|'), ' 1');
  assert.equal(whole('\n\ny = 1', 'x = 1\n|', true), 'y = 1');
});

test('white space at the end waits for what follows it', () => {
  assert.equal(shown('a = 1\n    ', at('x\n|', true), false), 'a = 1');
});

test('a model that says the same over and over is cut off', () => {
  assert.equal(whole('plt.scatterscatterscatterscatterscatterscatterscatter', 'x = |'), 'plt.');
  assert.equal(whole('lllllllllllll', 'x = |'), '');
  assert.equal(whole('"-" * 40', 'x = |'), '"-" * 40');
  assert.equal(whole('1000000000', 'x = |'), '1000000000');
});

test('what is shown only grows while a text comes in', () => {
  const raw = 'def area(r):\n    """Of a circle."""\n    return pi * r ** 2\n\n\nprint(area(2))';
  let before = '';
  for (let end = 1; end <= raw.length; end++) {
    const text = shown(raw.slice(0, end), at('import math\n|', true), false);
    assert.ok(text.startsWith(before), JSON.stringify([before, text]));
    before = text;
  }
});
