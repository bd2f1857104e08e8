import assert from 'node:assert/strict';
import { test } from 'node:test';

import module from '../lib/test/inline/code.js';

const { codeIn, indented, indentOf } = module;

test('the code is what the first fence holds, whatever is said around it', () => {
  const held = codeIn('Here it is:\n\n```python\nx = 1\ny = 2\n```\nDone.', true);
  assert.deepEqual(held, { code: 'x = 1\ny = 2', closed: true, words: 'Here it is:\n\nDone.' });
});

test('while an answer grows its code only grows, and never shows a mark of the fence', () => {
  const answer = 'Sure:\n```python\nfor x in y:\n    print(x)\n\nz = `1`\n```\nThat is it.';
  let before = '';
  for (let end = 0; end <= answer.length; end++) {
    const { code } = codeIn(answer.slice(0, end), false);
    assert.ok(!(code ?? '').includes('```'));
    if (code !== null && end < answer.indexOf('```\nThat')) {
      assert.ok(code.startsWith(before.trimEnd()), JSON.stringify([before, code]));
      before = code;
    }
  }
  assert.equal(codeIn(answer, true).code, 'for x in y:\n    print(x)\n\nz = `1`');
});

test('before a fence there is no code', () => {
  assert.equal(codeIn('I would write', false).code, null);
  assert.equal(codeIn('```pyt', false).code, null);
  assert.equal(codeIn('```python\n', false).code, '');
  assert.equal(codeIn('', true).code, null);
});

test('an answer without a fence is code, unless it reads like prose', () => {
  assert.equal(codeIn('\nx = 1\nprint(x)\n', true).code, 'x = 1\nprint(x)');
  const refusal = 'I cannot do this without the file.\nPlease say where it is.';
  assert.deepEqual(codeIn(refusal, true), { code: null, closed: false, words: refusal });
  assert.equal(
    codeIn('A whole sentence of a text cell.', true, true).code,
    'A whole sentence of a text cell.'
  );
});

test('a fence that never ends is cut where the answer is', () => {
  assert.deepEqual(codeIn('```\nx = 1\n', true), { code: 'x = 1', closed: false, words: '' });
});

test('a text cell may hold fences of its own', () => {
  const inner = '# Title\n\n```python\nx = 1\n```\n\nThe end.';
  assert.equal(codeIn(`\`\`\`\`markdown\n${inner}\n\`\`\`\``, true, true).code, inner);
  assert.equal(codeIn(`\`\`\`markdown\n${inner}\n\`\`\``, true, true).code, inner);
});

test('a fence in a list is taken out of it', () => {
  assert.equal(codeIn('1. This:\n   ```py\n   if x:\n       y\n   ```', true).code, 'if x:\n    y');
});

test('a replacement is indented as what it replaces', () => {
  assert.equal(indentOf('    a\n\n      b'), '    ');
  assert.equal(indented('if x:\n    y\n\nz', '    '), '    if x:\n        y\n\n    z');
  assert.equal(indented('    a\n    b', '    '), '    a\n    b');
  assert.equal(indented('a', ''), 'a');
});
