import assert from 'node:assert/strict';
import { test } from 'node:test';

import listed from '../lib/test/composer/lists.js';
import clients from '../lib/test/server/clients.js';
import problems from '../lib/test/server/problems.js';
import { settled } from './held.mjs';

const { Lists } = listed;
const { change } = clients;
const { TurnError, UNREACHED } = problems;

/** What the sidebar's settings say, and what health says of the server's own model. */
function inForce(value, layer = 'client settings') {
  const state = { value, layer };
  const json = async (path, init) => (init ? {} : { model: { ...state } });
  return { state, lists: new Lists({ json }) };
}
const DEMO = {
  status: 'healthy',
  backend: 'local',
  model: 'tether-demo',
  demo: true,
  problem: null
};

test('the server’s model is a demo, or sick, only for whoever asks that one', async () => {
  for (const other of ['openai:gpt-4o-mini', 'local:qwen3-4b']) {
    const { lists } = inForce(other);
    assert.equal(lists.healthOf(undefined, DEMO), null, 'it is not known yet');
    await lists.lookUsual();
    assert.equal(lists.healthOf(undefined, DEMO), null);
    assert.equal(lists.healthOf('local:tether-demo', DEMO), DEMO, 'this conversation asks it');
  }
  for (const own of ['local', 'tether-demo', 'local:tether-demo']) {
    const { lists } = inForce(own);
    await lists.lookUsual();
    assert.equal(lists.healthOf(undefined, DEMO), DEMO);
    assert.equal(lists.healthOf('openai:gpt-4o-mini', DEMO), null);
  }
  const { lists } = inForce('local:loaded-since-then', 'default');
  await lists.lookUsual();
  assert.equal(lists.healthOf(undefined, DEMO), DEMO, 'nobody has chosen another');
});

test('where nobody can tell which model is in force, it is the server’s own', async () => {
  const lists = new Lists({ json: () => Promise.reject(new TurnError(UNREACHED)) });
  await lists.lookUsual();
  assert.equal(lists.healthOf(undefined, DEMO), DEMO);
});

test('a model that is chosen on the page of the models is known beside the field at once', async () => {
  const { state, lists } = inForce('local:tether-demo');
  await lists.lookUsual();
  state.value = 'openai:gpt-4o-mini';
  await change(lists.server, { model: state.value });
  await settled();
  assert.equal(lists.usual, 'openai:gpt-4o-mini');
});
