import assert from 'node:assert/strict';
import { test } from 'node:test';

import askeds from '../lib/test/models/asked.js';
import catalogs from '../lib/test/models/catalog.js';
import files from '../lib/test/models/presetFile.js';
import rows from '../lib/test/models/rows.js';
import values from '../lib/test/models/values.js';
import problems from '../lib/test/server/problems.js';
import levels from '../lib/test/settings/level.js';

const { Asked } = askeds;
const { Catalog } = catalogs;
const { fileOf, freeName } = files;
const { address, canLoad, canRemove, figures, groupOf, isChosen, matching, ordered } = rows;
const { removalWords, resumeText, stateWords, tokens } = rows;
const { FIELDS, layerWords, presetWords, read } = values;
const { TurnError } = problems;

const HERE = 'this machine';

function model(more = {}) {
  return {
    name: 'tiny',
    backend: 'local',
    place: HERE,
    installed: true,
    loaded: false,
    active: false,
    engine: null,
    size: 2.5e9,
    memory: 3.1e9,
    ...more
  };
}

const field = name => FIELDS.find(each => each.name === name);

test('a model stands where it runs: here, at a service, or nowhere yet', () => {
  assert.equal(groupOf(model()), 'here');
  assert.equal(groupOf(model({ installed: false })), 'fetch');
  assert.equal(groupOf(model({ backend: 'openai', place: 'api.example.org' })), 'services');
  assert.equal(groupOf(model({ backend: 'openai' })), 'services');
});

test('the one that answers is found however the setting names it', () => {
  assert.ok(isChosen(model(), 'local:tiny'));
  assert.ok(isChosen(model(), 'tiny'));
  assert.ok(isChosen(model({ active: true }), null));
  assert.ok(isChosen(model({ loaded: true }), 'local'));
  assert.ok(!isChosen(model(), 'local'));
  assert.ok(!isChosen(model({ active: true }), 'local:other'));
  assert.ok(!isChosen(model(), null));
  assert.ok(isChosen(model({ name: 'llama3:8b', backend: 'openai' }), 'openai:llama3:8b'));
});

test('a backend of one’s own is addressed by the bare name', () => {
  assert.equal(address(model()), 'local:tiny');
  assert.equal(address(model({ backend: 'my.module:Service' })), 'tiny');
});

test('loading alone is offered only where it takes nobody’s place', () => {
  const tiny = model();
  assert.ok(canLoad(tiny, tiny));
  assert.ok(canLoad(tiny, null));
  assert.ok(canLoad(tiny, model({ name: 'gpt', backend: 'openai' })));
  assert.ok(!canLoad(tiny, model({ name: 'other' })));
  assert.ok(!canLoad(model({ loaded: true }), null));
  assert.ok(!canLoad(model({ problem: 'It is broken.' }), null));
});

test('only files of the models folder can be removed, and none that is loaded', () => {
  assert.ok(canRemove(model()));
  assert.ok(!canRemove(model({ loaded: true })));
  assert.ok(!canRemove(model({ memory: null })), 'the demo model is no file of that folder');
  assert.ok(canRemove(model({ memory: null, problem: 'It is broken.' })));
  assert.ok(canRemove(model({ installed: false, partial: 5 })));
  assert.ok(!canRemove(model({ installed: false })));
});

test('the dialog names what is deleted', () => {
  assert.match(removalWords(model()).body, /for good: 2\.50 GB/);
  assert.match(
    removalWords(model({ installed: false, partial: 1e9 })).body,
    /1\.00 GB are deleted/
  );
});

test('a pull goes on from what it was asked for', () => {
  assert.equal(resumeText(model({ purpose: 'Code.', repo: 'a/b' })), 'tiny');
  assert.equal(resumeText(model({ repo: 'a/b' })), 'a/b:tiny.gguf');
  assert.equal(resumeText(model()), null);
});

test('figures of the list are called what they are: about', () => {
  const found = figures(model({ approximate: true, context_length: 32768, license: 'mit' }));
  assert.deepEqual(found, [
    'about 2.50 GB',
    'takes about 3.10 GB of memory',
    '32k tokens of context',
    'mit',
    HERE
  ]);
  assert.equal(tokens(4096), '4,096 tokens');
  assert.equal(tokens(1_000_000), '1000k tokens');
});

test('what a model does is said in words', () => {
  const words = (more, doing, chosen = false) => stateWords(model(more), doing, chosen);
  assert.equal(words({ engine: { progress: 0.384 } }), 'Loading, 38 %');
  assert.equal(words({}, 'loading'), 'Loading, 0 %');
  assert.equal(words({ loaded: true, engine: { progress: 1 } }), 'Loaded');
  assert.equal(
    words({ loaded: true, engine: { running: 1, waiting: 2, tokens_per_s: 40.6 } }),
    'Loaded, writing, 41 tokens a second, 2 waiting'
  );
  assert.equal(words({ installed: false, partial: 9e6 }), '9.00 MB of 2.50 GB is here already');
  assert.equal(words({ active: true }, undefined, true), 'Not loaded: the next question loads it');
  assert.equal(words({}, undefined, true), 'Not loaded: the next question loads it');
  assert.equal(
    words({ installed: false }, undefined, true),
    'Not on this machine: fetch it before you ask'
  );
  assert.equal(words({}), '');
});

test('a filter finds by every word, wherever it stands', () => {
  const all = [model(), model({ name: 'coder', purpose: 'Writes code.', license: 'mit' })];
  assert.deepEqual(
    matching(all, ' MIT  code ').map(each => each.name),
    ['coder']
  );
  assert.equal(matching(all, '').length, 2);
  assert.equal(matching(all, 'gemma').length, 0);
});

test('the order stays while models are loaded, and broken ones come last', () => {
  const all = [
    model({ name: 'a', problem: 'x' }),
    model({ name: 'c', loaded: true }),
    model({ name: 'b' })
  ];
  assert.deepEqual(
    ordered('here', all).map(each => each.name),
    ['b', 'c', 'a']
  );
  assert.deepEqual(ordered('fetch', all), all);
});

test('a value is read as people write it, or refused in words', () => {
  assert.deepEqual(read(field('temperature'), ' 0,3 '), { value: 0.3 });
  assert.deepEqual(read(field('temperature'), ''), { value: null });
  assert.match(read(field('temperature'), '3').wrong, /from 0 to 2/);
  assert.match(read(field('temperature'), 'warm').wrong, /A number/);
  assert.match(read(field('max_tokens'), '1.5').wrong, /whole number/);
  assert.match(read(field('top_p'), '0').wrong, /over 0/);
  assert.deepEqual(read(field('top_p'), '1'), { value: 1 });
  assert.deepEqual(read(field('system'), 'Be kind. '), { value: 'Be kind. ' });
});

test('each layer has words of its own', () => {
  assert.equal(layerWords({ value: 1, layer: 'preset' }, 'Careful'), 'from the preset Careful');
  assert.equal(layerWords({ value: 1, layer: 'client settings' }, null), 'set here');
  assert.equal(layerWords({ value: 1, layer: 'tether.yaml' }, null), 'from the tether.yaml');
  assert.equal(layerWords({ value: null, layer: 'default' }, null), 'the model decides');
  assert.equal(presetWords({}), 'sets nothing');
  assert.equal(presetWords({ temperature: 0.2, seed: null }), 'temperature 0.2');
});

test('a file that is none is refused in words, and a taken name gets a number', () => {
  for (const text of [
    '{',
    'null',
    '[]',
    '{"presets": 3}',
    '{"presets": [{"name": 1}]}',
    '{"presets": []}'
  ]) {
    assert.throws(() => fileOf(text), /Nothing was changed\./, text);
  }
  assert.deepEqual(fileOf('{"presets": [{"name": "a", "values": {}, "active": true}]}'), {
    presets: [{ name: 'a', values: {} }]
  });
  assert.equal(freeName('a', ['a', 'a (2)']), 'a (3)');
});

test('the server is told what may be seen only when it does not know', () => {
  const { levelOf, toTell } = levels;
  assert.equal(levelOf('server'), null);
  assert.equal(levelOf('schema'), 'schema');
  assert.equal(toTell(undefined, null), undefined);
  assert.equal(toTell({ level: 'off' }, 'off'), undefined);
  assert.deepEqual(toTell(undefined, 'off'), { level: 'off' });
  assert.equal(toTell({ level: 'values' }, null), null);
  assert.deepEqual(toTell({ level: 'values', cells: 'all' }, null), { cells: 'all' });
});

/** A server with settings, presets and models, as far as these need it. */
function server(models = [], more = {}) {
  const state = { own: {}, presets: [], asked: [] };
  return {
    state,
    models: async () => ({ models, problem: null }),
    health: async () => ({ model: 'tiny', backend: 'local' }),
    unload: async () => undefined,
    json: async (path, init = {}) => {
      const body = init.body ? JSON.parse(init.body) : null;
      state.asked.push([init.method ?? 'GET', path, body]);
      if (more[path]) {
        return more[path](body);
      }
      if (path === 'clients/lab/llm' && init.method === 'PATCH') {
        Object.assign(state.own, body);
        for (const [name, value] of Object.entries(state.own)) {
          if (value === null) {
            delete state.own[name];
          }
        }
        return state.own;
      }
      if (path === 'clients/lab/llm?effective=true') {
        const found = { model: { value: 'local:tiny', layer: 'default' } };
        for (const [name, value] of Object.entries(state.own)) {
          found[name] = { value, layer: 'client settings' };
        }
        return found;
      }
      if (path === 'clients/lab/presets') {
        if (init.method === 'POST') {
          state.presets.push({ ...body, active: false });
        }
        return { presets: [...state.presets], active: null };
      }
      return path === 'clients/lab/llm' ? { ...state.own } : {};
    }
  };
}

test('a model of this machine is loaded before questions go to it', async () => {
  const other = model({ name: 'other' });
  const here = server([model({ active: true }), other]);
  const catalog = new Catalog(here);
  await catalog.refresh();
  assert.equal(catalog.answering.name, 'tiny');
  await catalog.use(catalog.models[1]);
  const changes = here.state.asked.filter(([method]) => method !== 'GET');
  assert.deepEqual(changes, [
    ['POST', 'models/load', { name: 'local:other' }],
    ['PATCH', 'clients/lab/llm', { model: 'local:other' }]
  ]);
  assert.equal(catalog.answering.name, 'other');
});

test('questions stay where they went when the model cannot be loaded', async () => {
  const here = server([model({ active: true }), model({ name: 'big' })], {
    'models/load': () => {
      throw Object.assign(new Error('too large'), { problem: { message: 'It is too large.' } });
    }
  });
  const before = console.error;
  console.error = () => undefined;
  const catalog = new Catalog(here);
  const told = [];
  catalog.told.connect((_, words) => told.push(words));
  await catalog.refresh();
  await catalog.use(catalog.models[1]);
  console.error = before;
  assert.ok(!here.state.asked.some(([method]) => method === 'PATCH'));
  assert.ok(catalog.failures.get('big').message);
  assert.equal(told.length, 1);
  assert.equal(catalog.answering.name, 'tiny');
  assert.equal(catalog.doing(catalog.models[1]), undefined);
});

const PREVIEW = 'context?brief=true';

/** A server that refuses one path, and what is told of it. */
async function refusing(path, message) {
  const problem = { type: 'not_found', message, retryable: false, hint: null };
  const here = server([model({ active: true })], {
    [PREVIEW]: () => ({ to: { backend: 'openai' } }),
    [path]: () => Promise.reject(new TurnError(problem))
  });
  const catalog = new Catalog(here);
  const told = [];
  catalog.told.connect((_, words) => told.push(words));
  await catalog.refresh();
  return { here, catalog, told };
}

test('a name that nothing answers to is refused where it was typed, and not kept', async () => {
  const words = "There is no local model called 'ollama:llama3.2'.";
  const { here, catalog, told } = await refusing(PREVIEW, words);
  assert.equal(await catalog.useNamed('ollama:llama3.2'), false);
  assert.deepEqual(told, [words]);
  assert.equal(catalog.failures.get('ollama:llama3.2').message, words);
  assert.deepEqual(here.state.own, {});
  const [[, , question]] = here.state.asked.filter(([, path]) => path === PREVIEW);
  assert.deepEqual([question.model, question.store], ['ollama:llama3.2', false]);
});

test('a service without a key is refused before questions go to it', async () => {
  const { here, catalog, told } = await refusing('models/load', 'There is no API key.');
  assert.equal(await catalog.useNamed('openai:gpt-4o-mini'), false);
  assert.deepEqual(told, ['There is no API key.']);
  assert.deepEqual(here.state.own, {});
  const [[, , body]] = here.state.asked.filter(([, path]) => path === 'models/load');
  assert.deepEqual(body, { name: 'openai' });
});

test('a model of a service that can be asked is kept', async () => {
  const { here, catalog, told } = await refusing('nothing', '');
  assert.equal(await catalog.useNamed('openai:gpt-4o-mini'), true);
  assert.deepEqual(told, ['openai:gpt-4o-mini answers from now on.']);
  assert.deepEqual(here.state.own, { model: 'openai:gpt-4o-mini' });
});

test('a model of this machine that is typed as one of a service is loaded as well', async () => {
  const here = server([model({ active: true }), model({ name: 'other' })]);
  const catalog = new Catalog(here);
  await catalog.refresh();
  assert.equal(await catalog.useNamed('other'), true);
  const changes = here.state.asked.filter(([method]) => method !== 'GET');
  assert.deepEqual(changes, [
    ['POST', 'models/load', { name: 'local:other' }],
    ['PATCH', 'clients/lab/llm', { model: 'local:other' }]
  ]);
});

test('a list that cannot be read leaves the one that was', async () => {
  const here = server([model({ active: true })]);
  const catalog = new Catalog(here);
  await catalog.refresh();
  here.models = async () => {
    throw new Error('gone');
  };
  const before = console.error;
  console.error = () => undefined;
  await catalog.refresh();
  console.error = before;
  assert.equal(catalog.models.length, 1);
  assert.ok(catalog.failure.message);
});

test('a preset is made of the value that was just typed, and never of what may be seen', async () => {
  const here = server();
  here.state.own = { see: { level: 'values' } };
  const asked = new Asked(here);
  // Both at once, as when a field is left for the button.
  await Promise.all([asked.set({ temperature: 0.3 }), asked.create('Careful')]);
  assert.deepEqual(here.state.presets, [
    { name: 'Careful', values: { temperature: 0.3 }, active: false }
  ]);
});

test('resetting leaves the chosen model and what may be seen', async () => {
  const here = server();
  here.state.own = { model: 'local:tiny', see: { level: 'off' }, temperature: 1, top_p: 0.5 };
  await new Asked(here).reset();
  assert.deepEqual(here.state.own, { model: 'local:tiny', see: { level: 'off' } });
});
