import assert from 'node:assert/strict';
import { test } from 'node:test';

import module from '../lib/test/notebook/text.js';

const { asksTether, CONTEXT_LIMIT, mentions, trimmed, withoutAnsi } = module;

test('terminal colours go, the words stay', () => {
  assert.equal(
    withoutAnsi('\u001b[0;31mKeyError\u001b[0m: \u001b]8;;x\u0007a\u001b]8;;\u0007'),
    'KeyError: a'
  );
});

test('a trimmed text keeps within the limit the end that matters', () => {
  const long = `first${'x'.repeat(9000)}last`;
  for (const [keep, word] of [
    ['start', 'first'],
    ['end', 'last']
  ]) {
    const cut = trimmed(long, keep);
    assert.equal(cut.length, CONTEXT_LIMIT);
    assert.ok(cut.includes(word) && cut.includes('[…]'));
  }
  assert.equal(trimmed('short', 'end'), 'short');
});

test('a cell asks Tether by its magic and not by its name', () => {
  assert.ok(asksTether('%%tether\nwhy'));
  assert.ok(asksTether('x = 1\n%tether why\n'));
  assert.ok(!asksTether('# %%tether'));
  assert.ok(!asksTether('%tethering'));
  assert.ok(!asksTether('tether = 1'));
});

test('only what is named outright is sent along', () => {
  assert.equal(mentions('what does Cell 12 do?').cell, 12);
  assert.ok(mentions('explain this cell').thisCell);
  assert.ok(mentions('why this error?').lastError);
  assert.ok(mentions('fix the last exception').lastError);
  assert.deepEqual(mentions('how do I raise errors in cells?'), {
    cell: undefined,
    thisCell: false,
    lastError: false
  });
});
