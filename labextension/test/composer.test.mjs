import assert from 'node:assert/strict';
import { test } from 'node:test';

import choosing from '../lib/test/composer/choosing.js';
import commands from '../lib/test/composer/commands.js';
import drafts from '../lib/test/composer/draft.js';
import gauge from '../lib/test/composer/gauge.js';
import kernel from '../lib/test/composer/kernel.js';
import listed from '../lib/test/composer/lists.js';
import schema from '../lib/test/composer/schema.js';
import typed from '../lib/test/composer/typed.js';

const { menuOf } = choosing;
const { Draft } = drafts;
const { Lists, nameIn } = listed;
const { doubtOf, named, parse } = commands;
const { fullness, short } = gauge;
const { namesFrom, namesIn } = kernel;
const { columnName, schemaOf, sectionsOf } = schema;
const { endsLine, filtered, replaced, typedAt } = typed;

const at = words => typedAt(words, words.length);

test('a name is being typed behind an @ that begins a word, and a cell has a number', () => {
  assert.deepEqual(at('why is @d'), { sign: '@', start: 7, end: 9, query: 'd' });
  assert.equal(at('(@df.pri').query, 'df.pri');
  assert.equal(at('see @cell 4').query, 'cell 4');
  assert.equal(at('@data/sales.csv').query, 'data/sales.csv');
  assert.equal(at('@').query, '');
  for (const words of ['ada@example.org', 'see @cell 4 and', '@df is wrong', 'a @ b']) {
    assert.equal(at(words), null, words);
  }
});

test('a command stands at the very beginning alone', () => {
  assert.deepEqual(at('/mod'), { sign: '/', start: 0, end: 4, query: 'mod' });
  assert.equal(at('/model qw').query, 'model qw');
  assert.equal(at('and /model'), null);
  assert.equal(at('/home/me'), null);
});

test('what is put in leaves one blank behind it, and the caret after that', () => {
  const name = typedAt('is @d wrong?', 5);
  assert.deepEqual(replaced('is @d wrong?', name, 'df'), { words: 'is df wrong?', caret: 6 });
  assert.deepEqual(replaced('is @d', at('is @d'), 'df'), { words: 'is df ', caret: 6 });
  assert.deepEqual(replaced('is @d?', typedAt('is @d?', 5), 'df'), { words: 'is df?', caret: 5 });
  assert.deepEqual(replaced('@da', at('@da'), '@data/', true), { words: '@data/', caret: 6 });
});

test('what begins as it was typed comes first, then the beginnings of words, then the rest', () => {
  const names = ['unsold', 'old_sales', 'x', 'sales', 'Sales2'];
  assert.deepEqual(
    filtered(names, 'sal', each => each),
    ['sales', 'Sales2', 'old_sales']
  );
  assert.deepEqual(
    filtered(names, 'sol', each => each),
    ['unsold']
  );
});

test('commands are told from paths and from words', () => {
  assert.deepEqual(parse('/model  qwen'), { kind: 'command', name: 'model', rest: 'qwen' });
  assert.deepEqual(parse('/FIX'), { kind: 'command', name: 'fix', rest: '' });
  assert.deepEqual(parse('/etc is full'), { kind: 'unknown', name: 'etc' });
  for (const words of ['/home/me is full', 'a /fix', 'what is 1/2?']) {
    assert.deepEqual(parse(words), { kind: 'words' }, words);
  }
});

test('words behind a command that takes none are no command, and it says so before it is sent', () => {
  assert.deepEqual(parse('/new how do I join?'), {
    kind: 'command',
    name: 'new',
    rest: 'how do I join?'
  });
  for (const line of ['/clear', '/clear context', '/clear Context ', '/stop', '/help', '/export']) {
    assert.equal(parse(line).kind, 'command', line);
  }
  for (const name of ['stop', 'help', 'export']) {
    const parsed = parse(`/${name} the loop, how?`);
    assert.deepEqual(parsed, { kind: 'more', name, takes: '' });
    assert.match(doubtOf(parsed), /^Behind \/\w+ stands nothing\. Send it once more/);
  }
  assert.match(doubtOf(parse('/clear the NaN rows, how?')), /nothing but “context”/);
  assert.match(doubtOf(parse('/tmp is full')), /no command \/tmp/);
  assert.equal(doubtOf(parse('/stop')), null);
  assert.equal(doubtOf(parse('why?')), null);
});

test('a command is done at once only where it ends the line', () => {
  assert.ok(endsLine('/stop ', typedAt('/stop ', 5)));
  assert.ok(!endsLine('/stop the loop, how?', typedAt('/stop the loop, how?', 5)));
  assert.ok(!endsLine('is @d', at('is @d')));
});

test('a name may be cut short where only one begins like it', () => {
  const all = ['qwen3-4b', 'qwen3-8b', 'mock'];
  assert.equal(
    named(all, 'mo', each => each),
    'mock'
  );
  assert.equal(
    named(all, 'qwen3', each => each),
    null
  );
  assert.equal(
    named(all, 'QWEN3-8B', each => each),
    'qwen3-8b'
  );
  assert.equal(
    named(all, '', each => each),
    null
  );
});

test('a variable is told by its type, its shape and its columns', () => {
  const text =
    'df: DataFrame, 12,000 × 3, 1.2 MB, index RangeIndex\n  price: float64, 2 nulls\n  unit price: int64\n  … and 7 more columns';
  assert.deepEqual(schemaOf(text), {
    facts: 'DataFrame, 12,000 × 3',
    columns: [
      { name: 'price', facts: 'float64, 2 nulls' },
      { name: 'unit price', facts: 'int64' }
    ]
  });
  assert.equal(schemaOf('x: list, 5 long').facts, 'list, 5 long');
  assert.equal(columnName('df', 'price'), 'df.price');
  assert.equal(columnName('df', 'unit price'), "df['unit price']");
  assert.equal(columnName('df', "o'clock"), 'df["o\'clock"]');
});

test('the pieces of a message are found, and what pretends to be one within another is not', () => {
  const message =
    '<variable name="df">\ndf: DataFrame\n</variable>\n<cell name="cell 1">\nprint("<\\/cell>")\n</cell>\n\nwhy?';
  assert.deepEqual(sectionsOf(message), [
    { kind: 'variable', name: 'df', text: 'df: DataFrame' },
    { kind: 'cell', name: 'cell 1', text: 'print("<\\/cell>")' }
  ]);
});

test('a list that is not read yet is not told to be empty, and what failed is told where it failed', async () => {
  let say = () => {};
  const server = {
    json: path =>
      path.endsWith('/presets')
        ? new Promise((_, reject) => (say = () => reject(new Error('no'))))
        : Promise.resolve({ suggestions: [] })
  };
  const lists = new Lists(server);
  const note = which => menuOf(which, new Draft(null), lists, null).note;
  const [presets, prompts] = [lists.lookPresets(), lists.lookPrompts()];
  assert.deepEqual([note('preset'), note('prompts')], ['Looking…', 'Looking…']);
  await prompts;
  assert.equal(note('prompts'), 'There are no prompts.');
  say();
  await presets;
  assert.doesNotMatch(note('preset'), /no presets/);
  assert.equal(note('prompts'), 'There are no prompts.');
  assert.equal(note('model'), 'Looking…');
});

test("a model of one's own back end is named without the back end, colons and all", () => {
  const health = { backend: 'my_module:MyService' };
  assert.equal(nameIn('my_module:MyService:parrot-1', health), 'parrot-1');
  assert.equal(nameIn('local:llama3:8b', health), 'llama3:8b');
});

test('a kernel that computes is not asked beside its cell: the server tells its names', async () => {
  const asked = [];
  const busy = {
    id: 'k 1',
    status: 'busy',
    info: Promise.resolve({ language_info: { name: 'python' } }),
    requestExecute: () => assert.fail('it computes')
  };
  const told = { variables: [{ name: 'df', type: 'DataFrame' }], problem: null };
  const server = { json: async path => (asked.push(path), told) };
  assert.deepEqual(await namesIn(busy, server), told.variables);
  assert.deepEqual(asked, ['variables/k%201']);
  const silent = { json: async () => ({ variables: [], problem: 'The kernel is busy.' }) };
  await assert.rejects(namesIn(busy, silent), /The kernel is busy/);
  // One behind a gateway, say, which the server cannot look into.
  const reply = {
    user_expressions: { names: { status: 'ok', data: { 'text/plain': "'x:int'" } } }
  };
  const idle = {
    ...busy,
    status: 'idle',
    requestExecute: () => ({ done: Promise.resolve({ content: reply }) })
  };
  globalThis.window = globalThis;
  assert.deepEqual(await namesIn(idle, silent), [{ name: 'x', type: 'int' }]);
  delete globalThis.window;
});

test("a kernel's names are read from its reply, and a refusal is told in words", () => {
  const reply = told => ({ user_expressions: { names: told } });
  assert.deepEqual(
    namesFrom(reply({ status: 'ok', data: { 'text/plain': "'df:DataFrame x:int'" } })),
    [
      { name: 'df', type: 'DataFrame' },
      { name: 'x', type: 'int' }
    ]
  );
  assert.deepEqual(namesFrom(reply({ status: 'ok', data: { 'text/plain': "''" } })), []);
  for (const refused of [reply({ status: 'error' }), {}, reply(undefined)]) {
    assert.throws(() => namesFrom(refused), /does not tell/);
  }
});

test('the window warns from nine tenths on, and says when it is full', () => {
  assert.equal(fullness(220, 1000).percent, 22);
  assert.equal(fullness(894, 1000).state, 'low');
  assert.equal(fullness(900, 1000).state, 'high');
  assert.match(fullness(1000, 1000).words, /^The window is full/);
  assert.equal(fullness(null, 1000), null);
  assert.equal(fullness(5, null), null);
});

test('the window is full where what cannot be left behind is more than the answer leaves', () => {
  const of = (tokens, needed) => fullness(tokens, 4096, true, { tokens, needed, room: 3072 });
  assert.deepEqual([of(2700, 2700).state, of(2700, 2700).percent], ['low', 66]);
  assert.equal(of(2900, 900).state, 'high');
  assert.match(
    of(2900, 900).words,
    /^Nearly full: with .* 4,096 .*1,024 of which .* the answer\.$/
  );
  assert.equal(of(3300, 3300).state, 'full');
  assert.match(of(3300, 3300).words, /^The window is full: .* 3,300 tokens, .* reads 3,072\./);
  assert.doesNotMatch(of(3300, 3300).words, /new conversation/);
});

test('a conversation that is too long for the window leaves its beginning behind, which is told', () => {
  const { state, words, percent } = fullness(5200, 4096, true, {
    tokens: 5200,
    needed: 900,
    room: 3072
  });
  assert.deepEqual([state, percent], ['high', 127]);
  assert.match(words, /^The beginning of the conversation stays behind: .*5,200 .*3,072\.$/);
  const unknown = { tokens: 900, needed: 900, room: null };
  assert.equal(fullness(900, 1000, true, unknown).state, 'high');
});

test('tokens are short figures', () => {
  assert.deepEqual([812, 1000, 1290, 9949, 9951, 32768].map(short), [
    '812',
    '1k',
    '1.3k',
    '9.9k',
    '10k',
    '33k'
  ]);
});
