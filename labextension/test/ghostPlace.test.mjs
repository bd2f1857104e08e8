import assert from 'node:assert/strict';
import { test } from 'node:test';

import module from '../lib/test/ghost/place.js';

const { isOpen, isStill } = module;

/** A place behind `x = `, and its editor, to be changed. */
function place() {
  const doc = { length: 4, toString: () => 'x = ' };
  const view = {
    state: { doc, readOnly: false, selection: { main: { empty: true, head: 4 } } },
    contentDOM: { contentEditable: 'true' },
    composing: false,
    compositionStarted: false
  };
  const [widget, editor] = [{ isDisposed: false }, { isDisposed: false }];
  return { widget, editor, view, prefix: 'x = ', suffix: '', mimeType: '', cells: [] };
}

test('a place is as it was until its editor or what that is in has been closed', () => {
  const here = place();
  assert.ok(isStill(here));
  here.widget.isDisposed = true;
  assert.ok(!isStill(here));
  const there = place();
  there.editor.isDisposed = true;
  assert.ok(!isStill(there));
});

test('nothing is shown where a character is being composed, or nothing may be written', () => {
  for (const close of [
    view => (view.compositionStarted = true),
    view => (view.composing = true),
    view => (view.state.readOnly = true),
    view => (view.contentDOM.contentEditable = 'false')
  ]) {
    const here = place();
    assert.ok(isOpen(here));
    close(here.view);
    assert.ok(isStill(here) && !isOpen(here));
  }
});
