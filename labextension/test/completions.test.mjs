import assert from 'node:assert/strict';
import { test } from 'node:test';

import module from '../lib/test/server/completions.js';

const { fill, fillByChat } = module;
const GAP = { prefix: 'x <- ', suffix: '\n' };
const OPTIONS = { maxTokens: 64, stop: [], wake: false, asked: false };

async function asked(options) {
  const questions = [];
  const server = {
    stream: async function* (question) {
      questions.push(question);
      yield { delta: 'mean(y)' };
    }
  };
  for await (const piece of fillByChat(server, GAP, [], options, new AbortController().signal)) {
    assert.equal(piece, 'mean(y)');
  }
  return questions[0];
}

test('a model that only chats is told what the code is written in, unless that is Python', async () => {
  assert.match((await asked({ ...OPTIONS, language: 'R' })).system, /^You complete code in R at a/);
  for (const language of ['python', 'ipython', '', undefined]) {
    assert.match((await asked({ ...OPTIONS, language })).system, /^You complete code at a/);
  }
});

test('the model that was looked up is the one that is asked', async () => {
  assert.equal((await asked({ ...OPTIONS, model: 'openai:gpt-4o' })).model, 'openai:gpt-4o');
  const bodies = [];
  const request = async (_, { body }) => {
    bodies.push(JSON.parse(body));
    return new Response('data: [DONE]\n\n');
  };
  for (const model of ['local:qwen3-4b', undefined]) {
    const { done } = await fill({ request }, GAP, { ...OPTIONS, model }, undefined).next();
    assert.ok(done);
  }
  assert.deepEqual(
    bodies.map(each => each.model),
    ['local:qwen3-4b', undefined]
  );
});
