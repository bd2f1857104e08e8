import assert from 'node:assert/strict';
import { test } from 'node:test';

import module from '../lib/test/inline/code.js';
import proposalModule from '../lib/test/inline/proposal.js';

const { codeIn, indented, indentOf } = module;
const { Proposal } = proposalModule;

const INDENTED = `def f():
    """Example:

    \`\`\`
    f()
    \`\`\`
    """
    return 1

def g():
    return 2`;
const FLUSH = `"""Example:

\`\`\`
f()
\`\`\`
"""
x = 1`;

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
  const other = '抱歉，我找不到 df_raw（见上）。';
  assert.deepEqual(codeIn(other, true), { code: null, closed: false, words: other });
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

for (const [where, code] of [
  ['further indented', INDENTED],
  ['in a string', FLUSH],
  ['in a string of the other kind', FLUSH.replaceAll('"""', "'''")],
  ['in a pair, with the name of a language', '%%writefile a.md\n# A\n```python\nx\n```\nEnd.'],
  ['in a pair that nothing names', 'const s = `\n```\nf()\n```\n`;']
]) {
  test(`a fence ${where} is a line of the code`, () => {
    const held = { code, closed: true, words: '' };
    assert.deepEqual(codeIn(`\`\`\`python\n${code}\n\`\`\``, true), held);
    assert.deepEqual(codeIn(`~~~python\n${code}\n~~~`, true), held);
    assert.deepEqual(codeIn(`\`\`\`\`python\n${code}\n\`\`\`\``, true), held);
    const list = `1. So:\n   \`\`\`\n${code.replace(/^(?=.)/gm, '   ')}\n   \`\`\``;
    assert.equal(codeIn(list, true).code, code);
  });

  test(`after code with a fence ${where}, words and further blocks are none of it`, () => {
    for (const after of [
      'That keeps the example as it was.',
      'Call it so:\n\n```python\nprint(f())\n```',
      'Call it so:\n\n```\nprint(f())\n```\n\n- It returns `1`.'
    ]) {
      const { code: found, words } = codeIn(`\`\`\`python\n${code}\n\`\`\`\n\n${after}`, true);
      assert.deepEqual([found, words], [code, after]);
    }
  });
}

test('code with fences in a string grows without an end before its own', () => {
  const answer = `\`\`\`python\n${FLUSH}\n\`\`\`\n`;
  let before = '';
  for (let end = 0; end <= answer.length; end++) {
    const { code } = codeIn(answer.slice(0, end), false);
    if (code !== null) {
      assert.ok(FLUSH.startsWith(code.trimEnd()), JSON.stringify(code));
      assert.ok(code.length >= before.trimEnd().length - 2, JSON.stringify([before, code]));
      before = code;
    }
  }
  assert.equal(before, FLUSH);
});

test('an answer that is code without a fence may hold one in a string', () => {
  assert.equal(codeIn(INDENTED, true).code, INDENTED);
});

test('a text cell may hold fences that name no language', () => {
  const inner = '# Title\n\n```\nx = 1\n```\n\nThe end.';
  assert.equal(codeIn(`\`\`\`markdown\n${inner}\n\`\`\``, true, true).code, inner);
  const two = '```markdown\n# A\n```\n\nOr with code:\n\n```python\nx\n```';
  assert.equal(codeIn(two, true, true).code, '# A');
});

test('a closing fence that is badly made still closes', () => {
  assert.equal(codeIn('```python\nx = 1\n  ```\nDone.', true).code, 'x = 1');
  assert.equal(codeIn('````python\nx = 1\n```\nDone.', true).code, 'x = 1');
});

test('where it is unclear how far the code goes, nothing is proposed, and that is said', async () => {
  const answer = '```python\n"""Example:\n\n```\nf()\n```\n"""\nx = 1';
  const proposal = new Proposal(
    {
      stream: async function* () {
        yield { delta: answer };
        yield { done: true, finish_reason: 'stop' };
      }
    },
    false
  );
  await proposal.ask({});
  assert.equal(proposal.phase, 'failed');
  assert.equal(proposal.replacement, null);
  assert.match(proposal.problem, /unclear where the code ends\. Try again/);
});
