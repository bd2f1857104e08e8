import assert from 'node:assert/strict';
import { test } from 'node:test';

import codeModule from '../lib/test/nextCell/code.js';
import questionModule from '../lib/test/nextCell/question.js';

const { codeOf, MOST_LINES } = codeModule;
const { assigned, isLast, question } = questionModule;

test('the code of the first fence is the cell, without the words around it', () => {
  const answer =
    'Plot it:\n\n```python\nimport math\n\nprint(math.pi)\n```\nThat prints pi.\n```\nmore\n```';
  assert.equal(codeOf(answer, true), 'import math\n\nprint(math.pi)');
});

test('while it is written, what is shown only grows and holds no word and no fence', () => {
  const answer = 'Here:\n```python\nx = 1\nprint(x)\n```\nDone.';
  let before = '';
  for (let end = 0; end <= answer.length; end++) {
    const code = codeOf(answer.slice(0, end), false);
    assert.ok(code.startsWith(before), JSON.stringify([before, code]));
    before = code;
  }
  assert.equal(before, 'x = 1\nprint(x)');
});

test('a fence that never closes counts to its end', () => {
  assert.equal(codeOf('```py\nx = 1', true), 'x = 1');
});

test('of an answer that was cut off, half a line is no code', () => {
  assert.equal(codeOf('```py\nx = 1\nprint(x', true, false), 'x = 1');
  assert.equal(codeOf('```py\nx = 1\n```\nAnd th', true, false), 'x = 1');
  assert.equal(codeOf('x = 1\ny = lo', true, false), 'x = 1');
  assert.equal(codeOf('```py\nx = lo', true, false), '');
});

test('a longer fence holds a shorter one', () => {
  assert.equal(codeOf('````\ntext = """\n```\n"""\n````', true), 'text = """\n```\n"""');
});

test('a cell with a fence in its docstring is proposed whole, or not at all', () => {
  const code = 'def f():\n    """So:\n\n    ```\n    f()\n    ```\n    """\n    return 1';
  assert.equal(codeOf(`\`\`\`python\n${code}\n\`\`\``, true), code);
  const flush = '"""So:\n\n```\nf()\n```\n"""\nx = 1';
  assert.equal(codeOf(`\`\`\`python\n${flush}\n\`\`\`\nThat is all of it.`, true), flush);
  assert.equal(codeOf(`\`\`\`python\n${flush}`, true), '');
});

test('code without a fence is code when it is all there, and words never are', () => {
  assert.equal(codeOf('df = load()\ndf.describe()', false), '');
  assert.equal(codeOf('df = load()\ndf.describe()', true), 'df = load()\ndf.describe()');
  assert.equal(codeOf('for x in y:\n    print(x)', true), 'for x in y:\n    print(x)');
  for (const words of [
    'You could plot it next.',
    'I do not know.',
    'Set x = 1.\nThen plot it.',
    ''
  ]) {
    assert.equal(codeOf(words, true), '', words);
  }
});

test('a cell has no end of lines', () => {
  const long = Array.from({ length: 200 }, (_, n) => `x${n} = ${n}`).join('\n');
  assert.equal(codeOf(`\`\`\`\n${long}\n\`\`\``, true).split('\n').length, MOST_LINES);
});

test('only the last cell that holds anything has a next one', () => {
  assert.ok(isLast(['x = 1', 'y = 2'], 1));
  assert.ok(isLast(['x = 1', '', '  \n'], 0));
  assert.ok(!isLast(['x = 1', 'y = 2'], 0));
  assert.ok(!isLast(['x = 1', ''], 1));
  assert.ok(!isLast(['%%tether\nwhat now?'], 0));
});

test('the variables that were set last are looked at, each once', () => {
  const code = 'import os\na = 1\nb, c = 2, 3\nif a == 1:\n    d = 4\na = 5\nf(x=1)';
  assert.deepEqual(assigned(code), ['a', 'c', 'b']);
  const many = Array.from({ length: 30 }, (_, n) => `x${n} = ${n}`).join('\n');
  assert.deepEqual(assigned(many).slice(0, 2), ['x29', 'x28']);
  assert.ok(assigned(many).length <= 8);
});

test('what R gives values to is looked at as well', () => {
  const code =
    'a <- 1\nmy.df<-read.csv("a.csv")\ntotal <<- 2\n  inner <- 3\nif (a < -1) b\nx.y = 1';
  assert.deepEqual(assigned(code), ['total', 'my.df', 'a']);
});

test('a next cell is asked for in the language of its notebook, and says nothing of what runs', () => {
  const cell = { id: 'c0' };
  const asked = language =>
    question(
      {
        content: { model: { cells: { get: () => cell }, defaultKernelLanguage: language } },
        context: { path: 'a.ipynb' },
        sessionContext: { session: null }
      },
      ['x <- 1'],
      0
    );
  assert.match(asked('R').system, /the next cell of a Jupyter notebook in R: the one step/);
  assert.match(asked('python').system, /the next cell of a Jupyter notebook: the one step/);
  assert.equal(asked('R').see.running, false);
});
