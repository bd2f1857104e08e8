import assert from 'node:assert/strict';
import Module, { createRequire } from 'node:module';
import { test } from 'node:test';

import { Signal } from '@lumino/signaling';

import { settled } from './held.mjs';

/** What draws: there is no page here. */
class Popover {
  node = {};
  words = '';
  focused = false;
  show(state) {
    this.state = state;
    Popover.last = this;
  }
  select() {}
}
const STUBS = {
  '@jupyterlab/cells': { MarkdownCell: class {} },
  './popover': { Popover },
  './shown': { show: (view, shown) => (view.shown = shown), shownIn: view => view.shown }
};
const load = Module._load;
Module._load = (name, ...more) => STUBS[name] ?? load(name, ...more);
globalThis.ResizeObserver = class {
  observe() {}
  disconnect() {}
};
const { InlineEdit } = createRequire(import.meta.url)('../lib/test/inline/edit.js');
Module._load = load;

/** A cell with an editor, in which this part is selected. */
function cellOf(source, { from = 0, to = from, id = 'a', type = 'code' } = {}) {
  const cell = {
    written: null,
    readOnly: false,
    model: {
      id,
      type,
      sharedModel: {
        getSource: () => source,
        updateSource: (start, end, text) =>
          (cell.written = source.slice(0, start) + text + source.slice(end))
      }
    },
    editor: {
      editor: {
        shown: null,
        state: {
          doc: { toString: () => source },
          selection: { main: { from, to, head: to, empty: from === to } }
        }
      },
      focus() {}
    },
    ready: Promise.resolve(),
    inViewportChanged: { connect() {} },
    addClass() {},
    removeClass() {}
  };
  return cell;
}

/** A change of a cell that was answered; `reload` puts another cell in the place of this one. */
async function proposed(t, cell, answer) {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const owner = {};
  const changed = new Signal(owner);
  const panel = {
    isDisposed: false,
    disposed: new Signal(owner),
    context: { path: 'a.ipynb', contentsModel: { writable: true } },
    content: { widgets: [cell], mode: 'command', model: { readOnly: false, cells: { changed } } }
  };
  const said = [];
  const closed = [];
  const edit = new InlineEdit(panel, cell, {
    server: {
      stream: async function* () {
        yield { delta: `\`\`\`python\n${answer}\n\`\`\`` };
        yield { done: true, finish_reason: 'stop' };
      }
    },
    preview: async () => ({ to: { place: 'this machine', leaves: false }, masked: [] }),
    keys: () => ({ accept: 'Ctrl+Enter', cancel: 'Esc' }),
    say: words => said.push(words),
    keydown() {}
  });
  edit.closed.connect((_, how) => closed.push(how));
  t.after(() => edit.close());
  edit.ask('something new');
  await settled();
  const reload = async now => {
    panel.content.widgets = now ? [now] : [];
    changed.emit();
    await settled();
  };
  return { edit, panel, said, closed, reload, state: () => Popover.last.state };
}

test('a cell that is read from the disk anew is replaced as a whole', async t => {
  const { edit, reload, state, closed } = await proposed(t, cellOf('x = 1'), 'x = 2');
  const now = cellOf('import math\nx = math.pi\n');
  await reload(now);
  assert.match(state().status, /The cell was edited meanwhile; taking this replaces that too\./);
  assert.equal(edit.take(), true);
  assert.equal(now.written, 'x = 2\n');
  assert.equal(closed[0].kept, null);
});

test('what was proposed for a selection is kept where the cell is read anew', async t => {
  const cell = cellOf('x = 1\ny = 1', { from: 6, to: 11 });
  const { edit, reload, closed } = await proposed(t, cell, 'y = 2');
  const now = cellOf('import math\nx = 1\ny = 1');
  await reload(now);
  assert.deepEqual(
    closed.map(each => each.kept),
    [
      {
        source: 'y = 2',
        kind: 'code',
        why: 'The cell was read from the disk anew, without what was selected'
      }
    ]
  );
  assert.equal(edit.take(), false);
  assert.equal(now.written, null);
});

test('a cell that is moved, or read anew as it was, goes on with its selection', async t => {
  const cell = cellOf('x = 1\ny = 1', { from: 6, to: 11 });
  const { edit, reload } = await proposed(t, cell, 'y = 2');
  const now = cellOf('x = 1\ny = 1');
  await reload(now);
  assert.equal(edit.take(), true);
  assert.equal(now.written, 'x = 1\ny = 2');
});

test('a text cell that is deleted leaves a proposal of its own kind', async t => {
  const cell = cellOf('Some words', { type: 'markdown' });
  const { reload, closed } = await proposed(t, cell, 'Other words');
  await reload(null);
  assert.deepEqual(closed[0].kept, {
    source: 'Other words',
    kind: 'markdown',
    why: 'The cell is gone'
  });
});

test('that a cell cannot be changed is told until something else is tried', async t => {
  const cell = cellOf('x = 1');
  const { edit, state } = await proposed(t, cell, 'x = 2');
  cell.readOnly = true;
  assert.equal(edit.take(), false);
  for (const seconds of [1, 2, 3]) {
    t.mock.timers.tick(1000 * seconds);
    assert.match(state().status, /^This cell cannot be changed now\. Copy what you need/);
    assert.equal(state().takes, true);
  }
  edit.ask('something new');
  assert.match(state().status, /^Asking/);
  await settled();
  cell.readOnly = false;
  assert.match(state().status, /1 line changed/);
  assert.equal(edit.take(), true);
});
