import assert from 'node:assert/strict';
import { test } from 'node:test';

import module from '../lib/test/server/models.js';

const { gaveBack, loadOf, size, takesMemory, underWay } = module;

const MODEL = {
  name: 'tiny',
  backend: 'local',
  place: 'this machine',
  installed: true,
  loaded: true,
  active: true,
  engine: { running: 2, waiting: 1, weight_bytes: 4e9, kv_bytes: 6e8, parked_bytes: 8e7 }
};
const HEALTH = { status: 'healthy', model: 'tiny', backend: 'local', demo: false };

test('what was given back is the weights and all that was remembered', () => {
  assert.equal(
    gaveBack([MODEL], null),
    'tiny is unloaded and gave back about 4.68 GB of memory. The next question loads it again.'
  );
});

test('memory of the GPU is called so only when the whole model was there', () => {
  const on = layers_on_gpu => ({ ...HEALTH, gpu: { layers: 28, layers_on_gpu } });
  assert.match(gaveBack([MODEL], on(28)), / of GPU memory\./);
  assert.match(gaveBack([MODEL], on(12)), / of memory\./);
  assert.match(gaveBack([MODEL], { ...on(28), backend: 'openai' }), / of memory\./);
});

test('a model whose figures nobody knows is unloaded without any', () => {
  assert.equal(
    gaveBack([{ ...MODEL, engine: null }], null),
    'tiny is unloaded. The next question loads it again.'
  );
});

test('a notification holds the longest name', () => {
  const longest = gaveBack([{ ...MODEL, name: 'n'.repeat(400) }], {
    ...HEALTH,
    gpu: { layers: 1, layers_on_gpu: 1 }
  });
  assert.ok(longest.length <= 140, `${longest.length}`);
});

test('what an API keeps cannot be given back, on this machine or elsewhere', () => {
  assert.ok(takesMemory(MODEL));
  assert.ok(!takesMemory({ ...MODEL, loaded: false }));
  assert.ok(!takesMemory({ ...MODEL, backend: 'openai' }));
  assert.ok(!takesMemory({ ...MODEL, backend: 'mine', place: 'models.example.org' }));
});

test('answers under way are counted with those in the queue', () => {
  assert.equal(underWay([MODEL, { ...MODEL, engine: null }]), 3);
  assert.equal(underWay([{ ...MODEL, engine: {} }]), 0);
});

test('a model loads from the moment its engine starts until it is ready', () => {
  const health = service => ({ ...HEALTH, llm_service: { type: 'local', ...service } });
  assert.deepEqual(loadOf(health({ ready: false, engine: {} })), { name: 'tiny', progress: 0 });
  assert.deepEqual(loadOf(health({ ready: false, engine: { progress: 0.38 } })), {
    name: 'tiny',
    progress: 0.38
  });
  assert.equal(loadOf(health({ ready: true, engine: { progress: 1 } })), null);
});

test('only what has an engine loads', () => {
  assert.equal(loadOf({ ...HEALTH, llm_service: { type: 'openai', ready: false } }), null);
  assert.equal(loadOf(HEALTH), null);
});

test('sizes are as hubs give them', () => {
  assert.deepEqual([0, 999, 999.5, 46352128, 4.684e9, 999.6e9].map(size), [
    '0 bytes',
    '999 bytes',
    '1.00 kB',
    '46.4 MB',
    '4.68 GB',
    '1.00 TB'
  ]);
});
