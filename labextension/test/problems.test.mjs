/** Why a request was not answered: Tether's own reasons first, then what a status alone can mean. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import problems from '../lib/test/server/problems.js';

const { refusal } = problems;

const response = status => ({ status, headers: new Headers() });

test('a server without Tether names what finds out why', () => {
  const { problem } = refusal(response(404), null);
  assert.match(problem.message, /is not running/);
  assert.match(problem.hint, /tether doctor/);
  assert.match(problem.hint, /extension enable/);
});

test("a bad setting is told in the server's own words", () => {
  const error = {
    type: 'model_not_ready',
    message: 'TETHER_CONTEXT_LENGTH in the environment must be a number.',
    retryable: false,
    hint: 'Correct it and restart Jupyter.'
  };
  assert.deepEqual(refusal(response(503), { error }).problem, error);
});
