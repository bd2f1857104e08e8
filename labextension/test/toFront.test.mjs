import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Signal } from '@lumino/signaling';

import module from '../lib/test/cellTools/toFront.js';

const { toFront } = module;

/** The notebooks of a page, of which `a` is in front. */
class Notebooks {
  a = { id: 'a' };
  b = { id: 'b' };
  currentWidget = this.a;
  currentChanged = new Signal(this);

  bring(panel) {
    this.currentWidget = panel;
    this.currentChanged.emit(panel);
  }
}

/** Ask for a notebook, and tell what was activated and whether it is there. */
function asked(notebooks, panel) {
  const told = { activated: [], there: false };
  const wait = toFront(panel, notebooks, id => told.activated.push(id)).then(() => {
    told.there = true;
  });
  return { told, wait };
}

const turn = () => new Promise(resolve => setImmediate(resolve));

test('a notebook that is in front is left alone', async () => {
  const notebooks = new Notebooks();
  const { told, wait } = asked(notebooks, notebooks.a);
  await wait;
  assert.deepEqual(told, { activated: [], there: true });
});

test('another one is brought there, and nothing is asked before it is', async () => {
  const notebooks = new Notebooks();
  const { told, wait } = asked(notebooks, notebooks.b);
  assert.deepEqual(told.activated, ['b']);
  notebooks.bring(null);
  await turn();
  assert.equal(told.there, false);
  notebooks.bring(notebooks.b);
  await wait;
  assert.deepEqual(told, { activated: ['b'], there: true });
});

test('one that does not come is not waited for without end', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const notebooks = new Notebooks();
  const { told, wait } = asked(notebooks, notebooks.b);
  t.mock.timers.tick(1000);
  await wait;
  assert.equal(told.there, true);
});
