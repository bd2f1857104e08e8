import assert from 'node:assert/strict';
import { test } from 'node:test';

import module from '../lib/test/ghost/where.js';

const { refusal, Where } = module;

const HEALTH = {
  status: 'healthy',
  model: 'qwen3-4b',
  backend: 'local',
  demo: false,
  place: 'this machine',
  llm_service: { type: 'local', ready: true }
};
const API = {
  ...HEALTH,
  model: 'gpt-4o-mini',
  backend: 'openai',
  place: 'api.openai.com',
  llm_service: { type: 'openai', ready: true }
};
const OLLAMA = { ...API, model: 'llama3:8b', place: 'this machine' };
const OWN = {
  ...HEALTH,
  model: 'parrot-1',
  backend: 'my_module:MyService',
  llm_service: { type: 'mine', ready: true }
};
const LISTED = [
  { name: 'qwen3-4b', backend: 'local', place: null, installed: true, loaded: false },
  { name: 'llama3:8b', backend: 'openai', place: 'this machine', active: true, loaded: true }
];

/** A server with this health, which this front end asks for this model where nobody says otherwise. */
function where(health, chosen = null, models = LISTED) {
  return new Where({
    health: async () => health,
    json: async path => {
      if (path === 'models') {
        return { models, problem: null };
      }
      if (chosen instanceof Error) {
        throw chosen;
      }
      return { model: { value: chosen } };
    }
  });
}

test("a model of Tether's own fills gaps, and needs no name", async () => {
  for (const chosen of [null, 'local:qwen3-4b', 'qwen3-4b', 'local']) {
    const { local, chats, ready, model } = await where(HEALTH, chosen).find(true);
    assert.deepEqual([local, chats, ready, model], [true, false, true, undefined]);
  }
});

test('any other one is asked by chat and by its name, a back end of ones own too', async () => {
  const api = await where(API).find(false);
  assert.deepEqual([api.local, api.chats, api.ready, api.model], [false, true, true, 'openai']);
  const own = await where(OWN, 'my_module:MyService:parrot-1').find(false);
  assert.deepEqual([own.local, own.chats, own.model], [false, true, 'my_module:MyService']);
  const asleep = { ...OWN, llm_service: { type: 'mine', ready: false } };
  assert.equal((await where(asleep).find(false)).ready, false);
});

test('the model that was chosen for all is the one that is asked', async () => {
  const other = await where(HEALTH, 'openai:gpt-4o').find(false);
  assert.deepEqual(
    [other.local, other.chats, other.ready, other.model, other.place],
    [false, true, true, 'openai:gpt-4o', '']
  );
  const beside = await where(API, 'openai:gpt-4o').find(false);
  assert.deepEqual([beside.model, beside.place], ['openai:gpt-4o', 'api.openai.com']);
  const here = await where(API, 'local:qwen3-4b', [{ ...LISTED[0], loaded: true }]).find(true);
  assert.deepEqual(
    [here.local, here.chats, here.ready, here.model, here.place],
    [true, false, true, 'local:qwen3-4b', 'this machine']
  );
});

test('one that has to be loaded is asked by chat, which loads it, and only by hand', async () => {
  const found = await where(API, 'local:qwen3-4b').find(true);
  assert.deepEqual([found.local, found.chats, found.ready], [true, true, false]);
});

test('where only models of this machine may be asked, the usual one answers if it is one', async () => {
  assert.equal((await where(HEALTH, 'openai:gpt-4o').find(true)).backend, 'local');
  const demo = { ...HEALTH, demo: true };
  assert.equal((await where(demo, 'openai:gpt-4o').find(true)).backend, 'openai');
  assert.equal((await where(API).find(true)).backend, 'openai');
});

test('a choice that cannot be read leaves the usual one, by its name', async () => {
  const found = await where(API, new Error('away')).find(false);
  assert.equal(found.model, 'openai');
});

test('why nothing is sent says who would have answered, and is true of a server beside', async () => {
  const api = refusal(await where(API).find(true));
  assert.match(api, /set to models of this machine, and api\.openai\.com answers now\./);
  const beside = refusal(await where(OLLAMA).find(true));
  assert.match(
    beside,
    /models that Tether itself runs on this machine, and the backend "openai" answers now\./
  );
  assert.doesNotMatch(beside, /and this machine/);
});

test('a model that turned out to sleep is not asked again while typing', async () => {
  const known = where(HEALTH);
  await known.find(true);
  known.forget(false);
  assert.equal((await known.find(true)).ready, false);
});
