import assert from 'node:assert/strict';
import { test } from 'node:test';

import React from 'react';
import { renderToStaticMarkup } from 'react-dom/server';

import keys from '../lib/test/keys.js';
import nameField from '../lib/test/threads/nameField.js';

const { composing, sends } = keys;

const PLAIN = { isComposing: false, keyCode: 13 };
const COMPOSED = [
  { isComposing: true, keyCode: 13 },
  { isComposing: false, keyCode: 229 }
];

test('a key of an input method is known by either of the ways in which browsers tell of it', () => {
  assert.equal(composing(PLAIN), false);
  assert.equal(composing({ nativeEvent: PLAIN }), false);
  for (const key of COMPOSED) {
    assert.equal(composing(key), true);
    assert.equal(composing({ nativeEvent: key }), true);
  }
});

test('Enter sends, or Shift+Enter where Enter begins a new line, and Ctrl+Enter always does', () => {
  const up = { key: 'Enter', altKey: false, ctrlKey: false, metaKey: false, shiftKey: false };
  const pressed = [{}, { shiftKey: true }, { ctrlKey: true }, { metaKey: true }];
  const both = more => [false, true].map(withShift => sends({ ...up, ...more }, withShift));
  assert.deepEqual(pressed.map(both), [
    [true, false],
    [false, true],
    [true, true],
    [true, true]
  ]);
  assert.deepEqual(both({ altKey: true }), [false, false]);
  assert.deepEqual(both({ key: 'a', ctrlKey: true }), [false, false]);
});

test('a name that is being composed is neither kept nor left', () => {
  const done = [];
  let field;
  // Rendered by hand, for there is no page to press a key in.
  const Probe = () =>
    (field = nameField.NameField({
      name: 'にほん',
      label: 'Name',
      keep: name => done.push(`keep ${name}`),
      leave: () => done.push('leave')
    }));
  const press = (key, nativeEvent) =>
    field.props.onKeyDown({ key, nativeEvent, stopPropagation() {}, preventDefault() {} });
  renderToStaticMarkup(React.createElement(Probe));
  for (const each of COMPOSED) {
    press('Enter', each);
    press('Escape', each);
  }
  assert.deepEqual(done, []);
  press('Escape', { isComposing: false, keyCode: 27 });
  assert.deepEqual(done, ['leave']);
  renderToStaticMarkup(React.createElement(Probe));
  press('Enter', PLAIN);
  assert.deepEqual(done, ['leave', 'keep にほん']);
});
