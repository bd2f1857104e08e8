import assert from 'node:assert/strict';
import { test } from 'node:test';

import module from '../lib/test/composer/cells.js';
import { failing } from './panel.mjs';

const { errorChips } = module;

test('an error goes along with the lines of its own cell, however deep in libraries it was raised', () => {
  const frame = 'File ~/site-packages/lib.py:12, in f(x)\n---> 12     return g(x)\n';
  const traceback = [
    "Cell In[1], line 1\n----> 1 df['b']",
    ...Array(120).fill(frame),
    "KeyError: 'b'"
  ];
  const panel = failing();
  const output = { output_type: 'error', ename: 'KeyError', evalue: "'b'", traceback };
  const cell = {
    ...panel.content.model.cells.get(0),
    outputs: { length: 1, get: () => ({ toJSON: () => output }) }
  };
  panel.content.model.cells.get = () => cell;
  const { error } = errorChips(panel);
  assert.equal(error.text, traceback.join('\n'));
  assert.ok(error.text.length > 4000);
  assert.equal(error.of, null);
});
