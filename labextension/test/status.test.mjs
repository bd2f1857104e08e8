import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';

import watching from '../lib/test/models/healthWatch.js';
import activities from '../lib/test/server/activity.js';
import words from '../lib/test/models/statusWords.js';

const { BUSY_MS, HealthWatch, REST_MS } = watching;
const { activity } = activities;
const { canFree, spoken, statusOf } = words;

function health(service = {}, more = {}) {
  return {
    status: 'healthy',
    model: 'qwen3-4b',
    backend: 'local',
    demo: false,
    place: 'this machine',
    problem: null,
    llm_service: { type: 'local', ready: true, engine: { progress: 1 }, ...service },
    ...more
  };
}

const look = (found, chosen = null) => ({ health: found, offline: false, chosen });
const line = (found, chosen) => statusOf(look(found, chosen), true).line;

test('the line says what the model is doing', () => {
  const engine = more => ({
    engine: { progress: 1, weight_bytes: 2.5e9, kv_bytes: 1.1e8, ...more }
  });
  assert.equal(line(health(engine())), 'qwen3-4b · ready · 2.61 GB');
  assert.equal(
    line(health(engine({ running: 1, tokens_per_s: 40.7 }))),
    'qwen3-4b · writing 41/s · 2.61 GB'
  );
  assert.equal(line(health(engine({ running: 1, waiting: 2 }))), 'qwen3-4b · 2 waiting · 2.61 GB');
  assert.equal(
    line(health({ ready: false, engine: { progress: 0.389 } })),
    'qwen3-4b · loading 38 %'
  );
  assert.equal(line(health({ ready: false, engine: {} })), 'qwen3-4b · asleep');
  assert.equal(
    line(health({ engine: undefined }, { backend: 'openai', model: 'gpt' })),
    'gpt · ready'
  );
  assert.equal(line(health({}, { problem: 'There is no file.' })), 'qwen3-4b · cannot answer');
  assert.equal(line(health({}, { demo: true, model: 'tether-demo' })), 'demo model · ready');
});

test('off and offline are said without a model', () => {
  assert.equal(statusOf(look(health()), false).line, 'Tether is off');
  const gone = statusOf({ ...look(health()), offline: true }, true);
  assert.equal(gone.line, 'Tether: offline');
  assert.equal(spoken(gone), 'Tether: offline. Jupyter does not answer.');
});

test('a model of this machine that was chosen and is not loaded is asleep: a question loads it', () => {
  const replaced = statusOf(look(health(), 'local:other'), true);
  assert.equal(replaced.line, 'other · asleep');
  assert.deepEqual([replaced.state, replaced.problem], ['asleep', null]);
  assert.deepEqual(replaced.figures[1], ['Loaded now', 'qwen3-4b']);
  const nothing = health({ ready: false, engine: {} }, { demo: true, model: 'tether-demo' });
  const restarted = statusOf(look(nothing, 'local:other'), true);
  assert.equal(restarted.line, 'other · asleep');
  assert.deepEqual(restarted.figures, [['Model', 'other']]);
});

test('a model that was chosen and is not the one that health tells of is named as what it is', () => {
  assert.equal(line(health(), 'openai:gpt-4o'), 'openai:gpt-4o');
  for (const same of [null, 'local', 'qwen3-4b', 'local:qwen3-4b']) {
    assert.equal(line(health(), same), 'qwen3-4b · ready');
  }
});

test('a long name is cut, and the whole of it is among the figures', () => {
  const name = 'a-model-with-a-name-that-no-status-bar-can-hold';
  const status = statusOf(look(health({}, { model: name })), true);
  assert.ok(status.model.length <= 24);
  assert.ok(status.figures.some(([, value]) => value === name));
});

test('memory is given back only where it is ours', () => {
  const ours = look(health({ engine: { weight_bytes: 5 } }));
  assert.ok(canFree(ours, statusOf(ours, true)));
  const theirs = look(health({ engine: undefined }, { place: 'api.example.org' }));
  assert.ok(!canFree(theirs, statusOf(theirs, true)));
});

let listeners;

beforeEach(() => {
  listeners = new Set();
  globalThis.document = {
    hidden: false,
    addEventListener: (_, slot) => listeners.add(slot),
    removeEventListener: (_, slot) => listeners.delete(slot)
  };
  mock.timers.enable({ apis: ['setTimeout'] });
});

afterEach(() => {
  mock.timers.reset();
  delete globalThis.document;
});

function watched(found = health()) {
  const server = {
    looks: 0,
    health: async () => {
      server.looks++;
      if (server.gone) {
        throw new Error('gone');
      }
      return server.found;
    },
    json: async () => ({}),
    found
  };
  return { server, watch: new HealthWatch(server) };
}

async function pass(ms) {
  mock.timers.tick(ms);
  for (let i = 0; i < 10; i++) {
    await Promise.resolve();
  }
}

test('nobody is asked before it is switched on, and seldom after', async () => {
  const { server, watch } = watched();
  await pass(REST_MS * 3);
  assert.equal(server.looks, 0);
  watch.on = true;
  await pass(1);
  assert.equal(server.looks, 1);
  await pass(REST_MS - 1);
  assert.equal(server.looks, 1);
  await pass(1);
  assert.equal(server.looks, 2);
  watch.on = false;
  await pass(REST_MS * 3);
  assert.equal(server.looks, 2);
});

test('a hidden page asks nobody, and looks at once when it is seen again', async () => {
  const { server, watch } = watched();
  watch.on = true;
  await pass(1);
  document.hidden = true;
  listeners.forEach(slot => slot());
  await pass(REST_MS * 3);
  assert.equal(server.looks, 1);
  document.hidden = false;
  listeners.forEach(slot => slot());
  await pass(1);
  assert.equal(server.looks, 2);
});

test('while something happens it is looked at often', async () => {
  const { server, watch } = watched();
  watch.on = true;
  await pass(1);
  const end = activity.begin();
  await pass(BUSY_MS);
  await pass(BUSY_MS);
  await pass(BUSY_MS);
  assert.ok(server.looks >= 4, `${server.looks}`);
  end();
  end();
  assert.ok(!activity.busy);
  await pass(BUSY_MS);
  const before = server.looks;
  await pass(BUSY_MS * 3);
  assert.equal(server.looks, before);
  server.found = health({ engine: { running: 1 } });
  await pass(REST_MS);
  await pass(BUSY_MS);
  assert.equal(server.looks, before + 2);
});

test('a server that is gone is offline until it answers again', async () => {
  const { server, watch } = watched();
  server.gone = true;
  await watch.refresh();
  assert.ok(watch.look.offline);
  server.gone = false;
  await watch.refresh();
  assert.ok(!watch.look.offline);
});
