import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Signal } from '@lumino/signaling';

import module from '../lib/test/composer/mentions.js';
import { failing } from './panel.mjs';

const { Mentions } = module;

const labels = mentions => mentions.choices('').map(each => each.label);

/** What can be named in a conversation about this notebook, while `a.ipynb` is in front. */
function mentionsOf(notebook) {
  const open = { panel: failing(), path: 'a.ipynb' };
  const mentions = new Mentions({
    open: { ...open, ran: new Signal(open) },
    current: { notebook },
    server: {}
  });
  mentions.begin();
  return mentions;
}

test('the error and the cells of the notebook in front can be named where it is spoken of, or none', () => {
  for (const notebook of ['a.ipynb', null]) {
    assert.deepEqual(labels(mentionsOf(notebook)), ['error', 'cell 1'], notebook);
  }
});

test('in a conversation about another notebook they cannot, and the menu says what to do', () => {
  const mentions = mentionsOf('b.ipynb');
  assert.deepEqual(labels(mentions), []);
  assert.equal(
    mentions.note,
    'This conversation is about another notebook. Open that one to name its variables and cells.'
  );
});

test('nor can the variables, and the kernel is not asked for them', async () => {
  const mentions = mentionsOf('b.ipynb');
  mentions._variables.names = [{ name: 'df', type: 'DataFrame' }];
  assert.deepEqual(labels(mentions), []);
  assert.deepEqual(mentions.choices('df.'), []);
});
