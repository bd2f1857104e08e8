import assert from 'node:assert/strict';
import { test } from 'node:test';

import module from '../lib/test/chat/blocks.js';

const { definesLinks, splitBlocks } = module;

const ANSWER = `# Title

A paragraph
of two lines.

1. one

   \`\`\`python
   x = 1

   y = 2
   \`\`\`

2. two

- a
- b

$$
a

b
$$

Code:
\`\`\`python
def f():

    return 1
\`\`\`
After the code.

| a | b |
| - | - |
| 1 | 2 |

The end.
`;

function settle(pieces) {
  const settled = [];
  let text = '';
  let done = 0;
  for (const piece of pieces) {
    text += piece;
    const { finished } = splitBlocks(text.slice(done));
    settled.push(...finished);
    done += finished.join('').length;
  }
  return [...settled, text.slice(done)];
}

test('what is settled while an answer streams is what is settled when it is whole', () => {
  const whole = settle([ANSWER]);
  assert.deepEqual(settle([...ANSWER]), whole);
  assert.equal(whole.join(''), ANSWER);
});

test('lists, fences and display math stay whole', () => {
  const blocks = settle([ANSWER]);
  const holds = words => blocks.filter(block => words.every(word => block.includes(word))).length;
  assert.equal(holds(['1. one', 'y = 2', '2. two']), 1);
  assert.equal(holds(['$$\na', 'b\n$$']), 1);
  assert.equal(holds(['def f', 'return 1\n```\n']), 1);
  assert.equal(holds(['return 1', 'After']), 0);
  assert.equal(holds(['| a | b |', '| 1 | 2 |']), 1);
});

test('an open fence is one open end', () => {
  const { finished, tail } = splitBlocks('Before.\n\n```python\nx = 1\n\n\ny = 2\n');
  assert.deepEqual(finished, ['Before.\n\n']);
  assert.equal(tail, '```python\nx = 1\n\n\ny = 2\n');
});

test('a line that may still become a list item does not end the list', () => {
  assert.deepEqual(splitBlocks('1. one\n\n2').finished, []);
  assert.deepEqual(splitBlocks('1. one\n\n2. two\n\nAnd').finished, ['1. one\n\n2. two\n\n']);
});

test('a long answer without a break does not hang', () => {
  for (const line of ['word ', '`', '- a\n', '$$ ', '```\n', '\n']) {
    const started = performance.now();
    splitBlocks(line.repeat(20000));
    assert.ok(performance.now() - started < 20_000, line);
  }
});

test('link definitions are seen', () => {
  assert.ok(definesLinks('See [a][1].\n\n[1]: https://x.org\n'));
  assert.ok(!definesLinks('See [a](https://x.org): there.'));
});

test('the blocks and the tail are the whole text, blank lines and all', () => {
  const text =
    'One:\n\n```python\na\n```\n\nTwo:\n\n```bash\nb\n```\n\n```sql\nc\n```\n\n- x\n\nThree';
  const { finished, tail } = splitBlocks(text);
  assert.equal([...finished, tail].join(''), text);
});
