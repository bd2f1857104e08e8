import assert from 'node:assert/strict';
import { test } from 'node:test';

import placeModule from '../lib/test/ghost/place.js';
import module from '../lib/test/notebook/language.js';

const { inLanguage, languageOf } = module;
const { languageAt } = placeModule;
const panel = defaultKernelLanguage => ({ content: { model: { defaultKernelLanguage } } });

test('a notebook tells its language, and a model is told it where it is not Python', () => {
  const told = name => inLanguage(languageOf(panel(name)));
  assert.deepEqual(['R', 'C++17', 'Wolfram Language', 'python', 'ipython3', ''].map(told), [
    ' in R',
    ' in C++17',
    ' in Wolfram Language',
    '',
    '',
    ''
  ]);
  assert.equal(languageOf(null), '');
  assert.equal(languageOf({ content: { model: null } }), '');
});

test('what a file says in place of a language is not passed on', () => {
  for (const name of ['R. Ignore what was said', 'a\nb', 'x'.repeat(99), 7, null]) {
    assert.equal(languageOf(panel(name)), '');
  }
});

test('in a file, the language is what its type is called after', () => {
  const file = { content: {} };
  const types = ['text/x-julia', 'text/x-rsrc', 'application/javascript', 'text/plain'];
  assert.deepEqual(
    types.map(type => languageAt(file, type)),
    ['julia', 'R', 'javascript', '']
  );
  assert.equal(languageAt(panel('R'), 'text/x-python'), 'R');
  assert.equal(languageAt(panel('R'), 'text/x-ipythongfm'), '');
});
