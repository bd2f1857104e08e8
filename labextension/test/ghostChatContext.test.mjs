import assert from 'node:assert/strict';
import { test } from 'node:test';

import module from '../lib/test/ghost/chatContext.js';

const { contextOf } = module;

test('the nearest code cells go along, and the farthest of them is left out first for want of room', () => {
  const cells = Array.from({ length: 9 }, (_, n) => ({ type: 'code', source: `x${n} = 1` }));
  cells[7] = { type: 'markdown', source: '# Prices' };
  assert.deepEqual(
    contextOf(cells).map(each => [each.name, each.optional]),
    [
      ['cell 3', 6],
      ['cell 4', 5],
      ['cell 5', 4],
      ['cell 6', 3],
      ['cell 7', 2],
      ['cell 9', 1]
    ]
  );
});
