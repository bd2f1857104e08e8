import assert from 'node:assert/strict';
import { test } from 'node:test';

import editModule from '../lib/test/notebook/edit.js';
import module from '../lib/test/notebook/masked.js';

const { putSource } = editModule;
const { restored } = module;

const CELL = 'import db\n\ndb_password = "hunter2x9"\nconn = db.connect(db_password)\n';
const SEEN = CELL.replace('hunter2x9', '•••');
const KEY =
  'key = """-----BEGIN PRIVATE KEY-----\nMIIEvQ\nIBADAN\n-----END PRIVATE KEY-----\n"""\nx = 1';

test('a secret that a model saw as a mask is put back where the same text is around it', () => {
  assert.deepEqual(restored(SEEN, CELL), { text: CELL, left: [], loses: false });
  const changed = SEEN.replace('db.connect(', 'db.open(');
  assert.equal(restored(changed, CELL).text, CELL.replace('db.connect(', 'db.open('));
});

test('it is put back in a line that has changed elsewhere, or has moved', () => {
  const old = 'conn = connect(user="me", password="hunter2x9")';
  for (const seen of [
    'conn = connect(user="you", password="•••", timeout=3)',
    'conn = connect(\n    user="me",\n    password="•••",\n)',
    'def opened():\n    return connect(password="•••", user="me")',
    'self.password = "•••"  # from the vault'
  ]) {
    const { text, left } = restored(seen, old);
    assert.deepEqual([text, left], [seen.replace('•••', 'hunter2x9'), []]);
  }
  const url = 'url = "postgres://me:hunter2x9@host/db"';
  assert.equal(
    restored('url = "postgres://me:•••@other/db"', url).text,
    'url = "postgres://me:hunter2x9@other/db"'
  );
  assert.equal(restored('%env  TOKEN=•••', '%env TOKEN=abc').text, '%env  TOKEN=abc');
});

test('several secrets go back in their order, a quote in one and a list that grows included', () => {
  const old = 'tokens = [\n  "anna",\n  "sk-\\"a",\n  "sk-b"\n]';
  const seen = 'tokens = [\n  "anna",\n  "•••",\n  "•••"\n]';
  assert.equal(restored(seen, old).text, old);
  assert.equal(
    restored(seen.replace('•••"\n', '•••",\n  "new"\n'), old).text,
    old.replace('"sk-b"', '"sk-b",\n  "new"')
  );
  const two = 'auth = ("ab12cd", "ef34gh")';
  assert.equal(restored('auth = ("•••", "•••")', two).text, two);
});

test('a key of several lines goes back behind its one mask', () => {
  const seen = KEY.replace('MIIEvQ\nIBADAN', '•••');
  assert.equal(restored(seen.replace('x = 1', 'x = 2'), KEY).text, KEY.replace('x = 1', 'x = 2'));
  const strings =
    'k = ("-----BEGIN PRIVATE KEY-----\\n"\n     "MIIEvQ\\n"\n     "-----END PRIVATE KEY-----\\n")';
  const masked = 'k = ("-----BEGIN PRIVATE KEY-----\n•••\n-----END PRIVATE KEY-----\\n")';
  assert.equal(restored(masked, strings).text, strings);
  const lines = 'password = """\nfoo9bar\n"""\nx = 1';
  assert.equal(restored('password = """•••"""\nx = 1', lines).text, lines);
  const list = 'tokens = """\nsk-a\nsk-b\n"""';
  assert.equal(restored('tokens = """\n•••\n•••\n"""', list).text, list);
});

test('a mask that could be several secrets, or none, stays and is told', () => {
  const old = 'names = [\n  "anna",\n  "sk-a",\n]';
  assert.deepEqual(restored('names = [\n  "•••",\n]', old), {
    text: 'names = [\n  "•••",\n]',
    left: [2],
    loses: true
  });
  assert.deepEqual(restored('import db\n\nsecret = "•••"', CELL).left, [3]);
  assert.ok(restored('import db\n\nsecret = "•••"', CELL).loses);
});

test('a mask from another cell loses nothing where all of the old text stays', () => {
  const text = 'x = 1\nconnect(password="•••")';
  assert.deepEqual(restored(text, 'x = 1'), { text, left: [2], loses: false });
  assert.equal(restored(text, '').loses, false);
  assert.equal(restored('•••', '').text, '•••');
});

test('a mask that the cell has of its own stays what it is', () => {
  const old = 'print("•••")\nprint("end")';
  const text = 'print("•••")\nprint("begin")';
  assert.deepEqual(restored(text, old), { text, left: [], loses: false });
  const both = 'key = "•••"\nkey = "hunter2x9"';
  assert.equal(restored('key = "•••"\nkey = "•••"', both).text, both);
});

test('what is put back of a selection may also stand beside it in the cell', () => {
  const old = 'connect(db_password)';
  assert.equal(
    restored('db_password = "•••"\nopen(db_password)', old, true, CELL).text,
    'db_password = "hunter2x9"\nopen(db_password)'
  );
  assert.equal(restored('•••', 'hunter2x9', true, CELL).text, 'hunter2x9');
});

test('while a text grows, no part of a mask is shown of what goes back', () => {
  for (const [seen, old] of [
    [SEEN, CELL],
    [KEY.replace('MIIEvQ\nIBADAN', '•••'), KEY],
    ['tokens = [\n  "•••",\n  "•••",\n]', 'tokens = [\n  "sk-a",\n  "sk-b",\n]']
  ]) {
    for (let end = 0; end <= seen.length; end++) {
      const { text } = restored(seen.slice(0, end), old, false);
      assert.ok(old.startsWith(text), JSON.stringify(text));
    }
  }
});

test('many masks in one long line take no time', () => {
  const old = `x = [${'"a", '.repeat(3000)}]`;
  const began = performance.now();
  restored(`x = [${'"•••", '.repeat(3000)}]!`, old);
  assert.ok(performance.now() - began < 500);
});

/** A notebook of one code cell, as far as putting source into it goes. */
function notebookWith(source) {
  const cell = {
    cell_type: 'code',
    getId: () => 'a',
    getSource: () => source,
    setSource: text => (source = text),
    getMetadata: () => undefined
  };
  const shared = { cells: [cell], getCell: () => cell, transact: run => run(), undo: () => {} };
  const selection = { start: 0, end: 0 };
  const editor = {
    getSelection: () => selection,
    getOffsetAt: at => at,
    replaceSelection: text =>
      (source = source.slice(0, selection.start) + text + source.slice(selection.end)),
    undo: () => {}
  };
  const content = {
    model: { sharedModel: shared, readOnly: false },
    widgets: [{ editor, model: { sharedModel: cell } }],
    scrollToItem: async () => {}
  };
  return { panel: { content }, selection, source: () => source };
}

test('replacing a cell from the sidebar puts its secret back, and says so', () => {
  const { panel, source } = notebookWith(CELL);
  const { words } = putSource(panel, 'replace', 'a', SEEN.replace('connect', 'open'));
  assert.equal(source(), CELL.replace('connect', 'open'));
  assert.equal(words, 'Replaced cell 1, with what was masked in it put back.');
});

test('replacing a selection puts its secret back as well', () => {
  const { panel, source, selection } = notebookWith(CELL);
  selection.start = CELL.indexOf('"hunter');
  selection.end = selection.start + '"hunter2x9"'.length;
  putSource(panel, 'selection', 'a', 'str("•••")');
  assert.equal(source(), CELL);
  putSource(panel, 'selection', 'a', '"•••"');
  assert.equal(source(), CELL);
});

test('nothing is replaced where a secret would be lost, and why is said', () => {
  const { panel, source } = notebookWith(CELL);
  const edit = putSource(panel, 'replace', 'a', 'secret = "•••"');
  assert.equal(source(), CELL);
  assert.equal(
    edit.words,
    'Nothing was replaced. A secret was masked as ••• in line 1, and it is unclear which one. Insert the code beside the cell.'
  );
  assert.equal(edit.undo, null);
});
