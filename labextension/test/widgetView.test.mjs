import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** As much of an element as a view without any rows needs. */
class Element {
  constructor(tag) {
    this.localName = tag;
  }
  value = '';
  dataset = {};
  style = {};
  heard = {};
  classes = new Set();
  classList = {
    add: name => this.classes.add(name),
    contains: name => this.classes.has(name),
    toggle: (name, on) => (on ? this.classes.add(name) : this.classes.delete(name))
  };
  addEventListener(name, listener) {
    this.heard[name] = listener;
  }
  append() {}
  replaceChildren() {}
  setAttribute() {}
  contains() {
    return false;
  }
  focus() {}
}

class Log {
  list = new Element('div');
  node = new Element('div');
  top = null;
  show() {}
  edit() {}
  wait() {}
  pin() {}
  follow() {}
  dispose() {}
}

class Picker {
  button = new Element('button');
  node = new Element('div');
  show() {}
}

/** Load a module of the widget. How rows and the list of models look is left out. */
function load(name) {
  const path = fileURLToPath(new URL(`../widget/${name}.ts`, import.meta.url));
  const { outputText } = ts.transpileModule(readFileSync(path, 'utf8'), {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 }
  });
  const played = {
    './log': { Log },
    './picker': { Picker },
    '../src/chat/words': { phaseWords: phase => phase, spoken: text => text }
  };
  const made = {};
  const wanted = other => played[other] ?? load(other.slice(2));
  new Function('exports', 'require', outputText)(made, wanted);
  return made;
}

const { ChatView } = load('view');

/** A view on a page without anything else, and a kernel that says nothing by itself. */
function open(t, key = 'k') {
  const made = [];
  const page = {
    document: {
      createElement: tag => {
        made.push(new Element(tag));
        return made.at(-1);
      }
    },
    getComputedStyle: () => ({ lineHeight: '21px' }),
    ResizeObserver: class {
      observe() {}
      disconnect() {}
    }
  };
  Object.assign(globalThis, page);
  const sent = [];
  let tell;
  const model = {
    get: name => ({ messages: [], facts: {}, key })[name],
    send: message => sent.push(message),
    on: (name, listener) => {
      tell = name === 'msg:custom' ? listener : tell;
    },
    off: () => undefined
  };
  const view = new ChatView(model, new Element('div'));
  const box = made.find(each => each.localName === 'textarea');
  t.after(() => view.dispose());
  const press = key =>
    (key === 'Escape' ? view.node : box).heard.keydown({
      key,
      preventDefault() {},
      stopPropagation() {}
    });
  const ask = words => {
    box.value = words;
    press('Enter');
  };
  const hear = () => tell({ kind: 'here', view: sent.findLast(each => each.view).view });
  return { view, box, sent, tell: message => tell(message), press, ask, hear };
}

test('a waiting question that is taken back stands before what was typed since', t => {
  const { box, press, ask } = open(t);
  ask('first');
  box.value = 'second\n';
  press('Escape');
  assert.equal(box.value, 'first\n\nsecond\n');
  box.value = '';
  ask('first');
  press('Escape');
  assert.equal(box.value, 'first');
});

test('a question that is refused stands before what was typed since', t => {
  const { box, ask, hear, tell } = open(t);
  ask('about @dff');
  box.value = 'and then?';
  hear();
  tell({ kind: 'refused', text: 'about @dff', why: 'There is no variable `dff` here.' });
  assert.equal(box.value, 'about @dff\n\nand then?');
});

test('a question that another view asked and that is refused stays out of what is typed here', t => {
  const { box, tell } = open(t);
  box.value = 'my own';
  tell({ kind: 'refused', text: 'somebody else’s', why: 'An answer is being written.' });
  assert.equal(box.value, 'my own');
});

test('a view that is drawn anew has the waiting question and what was typed since', t => {
  const { view, box, ask } = open(t, 'anew');
  ask('first');
  box.value = 'second';
  view.dispose();
  assert.equal(open(t, 'anew').box.value, 'first\n\nsecond');
});

test('a new chat in the middle of an answer can be asked at once', t => {
  const { sent, tell, ask, hear } = open(t);
  tell({ kind: 'all', rows: [], live: { id: 'w2', phase: 'sending' }, facts: {} });
  ask('too early');
  assert.ok(!sent.some(each => each.kind === 'knock'));
  tell({ kind: 'all', rows: [], live: null, facts: {} });
  ask('new?');
  hear();
  assert.deepEqual(
    sent.filter(each => each.kind === 'ask').map(each => each.text),
    ['new?']
  );
});
