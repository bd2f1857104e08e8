import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Signal } from '@lumino/signaling';

import module from '../lib/test/cellTools/emptiness.js';

const { Emptiness } = module;

/** A cell's shared model, and how often its source was read. */
function cell(source = '') {
  const owner = {};
  const changed = new Signal(owner);
  return {
    reads: 0,
    changed,
    getSource() {
      this.reads++;
      return source;
    },
    type(words) {
      source = words;
      changed.emit({ sourceChange: [{ insert: words }] });
    },
    run() {
      changed.emit({ outputsChange: [{ insert: [] }] });
    }
  };
}

test('a cell tells when it is no longer empty and when it is again, and of no key between', () => {
  let told = 0;
  const found = new Emptiness(() => told++);
  const one = cell();
  found.follow(one);
  one.type(' \n');
  assert.equal(told, 0);
  one.type(' \nx');
  assert.equal(told, 1);
  one.type(' \nx = 1');
  assert.equal(told, 1);
  one.type('\t');
  assert.equal(told, 2);
});

test('what a cell puts out is not taken for what is in it', () => {
  const found = new Emptiness(() => assert.fail('nothing was typed'));
  const one = cell('x = 1');
  found.follow(one);
  const { reads } = one;
  one.run();
  assert.equal(one.reads, reads);
});

test('only the cell that is followed tells, and none when there is none', () => {
  let told = 0;
  const found = new Emptiness(() => told++);
  const [one, two] = [cell(), cell('x = 1')];
  found.follow(one);
  found.follow(two);
  one.type('y = 2');
  assert.equal(told, 0);
  two.type('');
  assert.equal(told, 1);
  found.follow(null);
  two.type('x = 1');
  assert.equal(told, 1);
});
