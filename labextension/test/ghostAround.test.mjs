import assert from 'node:assert/strict';
import { test } from 'node:test';

import module from '../lib/test/ghost/around.js';

const { AFTER, BEFORE, textAfter, textBefore } = module;

const code = source => ({ type: 'code', source });

test('the cells before stand above as Python, Markdown as comments', () => {
  const cells = [code('import os'), { type: 'markdown', source: '# Files\nAll of them' }];
  assert.equal(textBefore(cells, 'os.'), 'import os\n\n# # Files\n# All of them\n\nos.');
});

test('what is no Python and what is empty stays away', () => {
  const cells = [
    code('%%tether\nwhat?'),
    code('  '),
    { type: 'raw', source: 'raw' },
    code('%%time\nx = 1')
  ];
  assert.equal(textBefore(cells, 'y'), '%%time\nx = 1\n\ny');
});

test('an empty cell keeps its place after the others', () => {
  assert.equal(textBefore([code('x = 1')], ''), 'x = 1\n\n');
  assert.equal(textBefore([], ''), '');
});

test('it is bounded, keeps the end and the imports, and stays the same over most keystrokes', () => {
  const cells = [code('import pandas as pd\nfrom math import pi')];
  for (let n = 0; n < 60; n++) {
    cells.push(code(Array.from({ length: 12 }, (_, at) => `value_${n}_${at} = ${n}`).join('\n')));
  }
  const starts = new Set();
  for (let length = 1; length < 60; length++) {
    const text = textBefore(cells, 'x'.repeat(length));
    assert.ok(text.length <= BEFORE + 1000);
    assert.ok(text.startsWith('import pandas as pd\nfrom math import pi\n\n'));
    assert.ok(text.includes('value_59_11 = 59'));
    assert.ok(text.endsWith('x'.repeat(length)));
    starts.add(text.slice(0, 200));
  }
  assert.ok(starts.size <= 2, `${starts.size} starts`);
});

test('a long file is cut at a line, and a line without an end is cut anywhere', () => {
  const file = Array.from({ length: 2000 }, (_, n) => `line ${n}`).join('\n');
  const before = textBefore([], file);
  assert.ok(before.length <= BEFORE);
  assert.ok(before.startsWith('line '));
  assert.ok(file.endsWith(before));
  assert.equal(textBefore([], 'x'.repeat(3 * BEFORE)).length, BEFORE);
});

test('what follows is cut at the end of a line', () => {
  assert.equal(textAfter(')\nprint(x)'), ')\nprint(x)');
  const after = textAfter(Array.from({ length: 900 }, (_, n) => `line ${n}`).join('\n'));
  assert.ok(after.length <= AFTER);
  assert.match(after, /line \d+$/);
  assert.equal(textAfter('x'.repeat(2 * AFTER)).length, AFTER);
});
