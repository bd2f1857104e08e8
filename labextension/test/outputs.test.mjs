import assert from 'node:assert/strict';
import { test } from 'node:test';

import module from '../lib/test/cellTools/outputs.js';

const { errorText, outputText } = module;

test('what is printed and what is shown is read in its order, without colours', () => {
  const outputs = [
    { output_type: 'stream', name: 'stdout', text: ['\u001b[31mone\u001b[0m\n', 'two\n'] },
    { output_type: 'execute_result', data: { 'text/html': '<b>3</b>', 'text/plain': ['3'] } }
  ];
  assert.equal(outputText(outputs), 'one\ntwo\n\n3');
});

test('a picture is named, its text form preferred', () => {
  const picture = { output_type: 'display_data', data: { 'image/png': 'iVBOR' } };
  assert.equal(outputText([picture]), '[a picture, image/png]');
  picture.data['text/plain'] = '<Figure>';
  assert.equal(outputText([picture]), '<Figure>');
});

test('an error is its traceback, or what it says', () => {
  const error = { output_type: 'error', ename: 'KeyError', evalue: "'a'", traceback: [] };
  assert.equal(errorText(error), "KeyError: 'a'");
  error.traceback = ['\u001b[0;31mTraceback', "KeyError: 'a'"];
  assert.equal(outputText([error]), "Traceback\nKeyError: 'a'");
});

test('no outputs are no text', () => {
  assert.equal(outputText([]), '');
  assert.equal(outputText([{ output_type: 'display_data', data: {} }]), '');
});
