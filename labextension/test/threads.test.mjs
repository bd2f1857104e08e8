import assert from 'node:assert/strict';
import { test } from 'node:test';

import frames from '../lib/test/threads/frames.js';
import finding from '../lib/test/threads/finding.js';
import groups from '../lib/test/threads/groups.js';
import rows from '../lib/test/threads/rows.js';
import when from '../lib/test/threads/when.js';
import transfer from '../lib/test/server/transfer.js';

const NOW = new Date(2026, 10, 21, 15, 0);
const ago = (days, hours = 0) => new Date(2026, 10, 21 - days, 15 - hours).toISOString();

function thread(id, more = {}) {
  const facts = { title: `Title ${id}`, notebook: null, project_id: null, pinned: false };
  const times = { created_at: ago(0), last_message_at: ago(0), deleted_at: null };
  return { id, message_count: 2, ...facts, ...times, ...more };
}

test('conversations stand under the day on which something was last said', () => {
  const all = [
    thread('a'),
    thread('b', { last_message_at: ago(1) }),
    thread('c', { last_message_at: ago(0, 16) }),
    thread('d', { last_message_at: ago(6) }),
    thread('e', { last_message_at: ago(7) }),
    thread('f', { last_message_at: ago(30), pinned: true }),
    thread('g', { last_message_at: ago(30), notebook: 'n.ipynb' })
  ];
  const found = groups.byTime(all, 'n.ipynb', NOW).map(g => [g.label, g.threads.map(t => t.id)]);
  assert.deepEqual(found, [
    ['Pinned', ['f']],
    ['This notebook', ['g']],
    ['Today', ['a']],
    ['Yesterday', ['b', 'c']],
    ['Last 7 days', ['d']],
    ['Older', ['e']]
  ]);
});

test('every project has a heading, and a conversation of a deleted one stands with those in none', () => {
  const projects = [
    { id: 'p', name: 'Plans', deleted_at: null },
    { id: 'q', name: 'Quiet', deleted_at: null }
  ];
  const all = [thread('a', { project_id: 'p' }), thread('b', { project_id: 'gone' }), thread('c')];
  const found = groups.byProject(all, projects).map(g => [g.label, g.threads.map(t => t.id)]);
  assert.deepEqual(found, [
    ['Plans', ['a']],
    ['Quiet', []],
    ['In no project', ['b', 'c']]
  ]);
});

test('an empty conversation without a name is not listed, and the newest is first', () => {
  const all = [
    thread('old', { last_message_at: ago(3) }),
    thread('empty', { message_count: 0, title: '' }),
    thread('named', { message_count: 0, last_message_at: ago(1) }),
    thread('new')
  ];
  assert.deepEqual(
    groups.worthListing(all).map(each => each.id),
    ['new', 'named', 'old']
  );
});

test('a closed heading hides what is under it and keeps its number', () => {
  const found = groups.byTime([thread('a'), thread('b')], null, NOW);
  const open = rows.groupRows(found, new Set());
  assert.deepEqual(
    open.map(row => [row.kind, row.position, row.size]),
    [
      ['group', 1, 1],
      ['thread', 1, 2],
      ['thread', 2, 2]
    ]
  );
  assert.deepEqual(
    rows.groupRows(found, new Set(['Today'])).map(row => [row.kind, row.open]),
    [['group', false]]
  );
});

test('of a list of thousands only what is in sight is drawn, wherever it is scrolled to', () => {
  const all = rows.threadRows(
    [...Array(5000).keys()].map(n => thread(`t${n}`)),
    1
  );
  const begins = rows.tops(all);
  assert.equal(begins[5000], 5000 * 48);
  for (const top of [0, 47, 48, 100_001, 5000 * 48 - 600]) {
    const [first, last] = rows.visible(begins, top, 600, 2);
    assert.ok(begins[first] <= top && begins[last] >= top + 600);
    assert.ok(last - first < 20);
  }
  assert.deepEqual(rows.visible([0], 0, 600), [0, 0]);
});

test('a row that is in sight moves nothing, another one comes just into it', () => {
  const begins = [0, 48, 96, 144, 192];
  assert.equal(rows.scrolledTo(begins, 1, 48, 96), 48);
  assert.equal(rows.scrolledTo(begins, 0, 48, 96), 0);
  assert.equal(rows.scrolledTo(begins, 3, 48, 96), 96);
});

test('titles are found at once, by all words in any order, and narrowed as the search is', () => {
  const all = [
    thread('a', { title: 'Fixing the join', notebook: 'n.ipynb' }),
    thread('b', { title: 'Join us', last_message_at: ago(20) }),
    thread('c', { title: 'Fix nothing', project_id: 'p' })
  ];
  const ids = (words, filters) => finding.titled(all, words, filters).map(f => f.conversation.id);
  assert.deepEqual(ids('JOIN fix', {}), ['a']);
  assert.deepEqual(ids('join', {}), ['a', 'b']);
  assert.deepEqual(ids('join', { after: ago(3) }), ['a']);
  assert.deepEqual(ids('fix', { project: 'p' }), ['c']);
  assert.deepEqual(ids('fix', { notebook: 'n.ipynb' }), ['a']);
});

test('a title that both found stands once, before what was said', () => {
  const hit = (id, message) => ({ conversation: { id }, message, snippet: [] });
  const found = finding.together(
    [hit('a', null)],
    [hit('b', { id: 'm' }), hit('a', null), hit('c', null)]
  );
  assert.deepEqual(
    found.map(each => each.conversation.id),
    ['a', 'c', 'b']
  );
});

test('a text is cut where the words are, and signs mean themselves', () => {
  assert.deepEqual(finding.pieces('Total and (total)', ['total', '(']), [
    { text: 'Total', hit: true },
    { text: ' and ', hit: false },
    { text: '(', hit: true },
    { text: 'total', hit: true },
    { text: ')', hit: false }
  ]);
});

test('a time is as short as it can be', () => {
  assert.match(when.when(ago(0), NOW), /\d/);
  assert.equal(when.when(ago(3), NOW).length, 3);
  assert.doesNotMatch(when.when(ago(40), NOW), /2026/);
  assert.match(when.when(ago(400), NOW), /2025/);
  assert.equal(when.when(null, NOW), '');
  assert.equal(when.daysAgo(1, NOW), new Date(2026, 10, 21).toISOString());
  assert.equal(when.daysAgo(7, NOW), new Date(2026, 10, 15).toISOString());
});

const NOTHING = { source: '', html: '', text: '' };

test('the biggest table is the one with the most cells that was shown by its name', () => {
  const html = (r, c) => `<table class="dataframe">…</table><p>${r} rows × ${c} columns</p>`;
  const found = frames.biggestFrame([
    { ...NOTHING, source: 'small', html: html(3, 2) },
    { ...NOTHING, source: 'x = 1\nsales', html: html('1,200', 80) },
    { ...NOTHING, source: 'pd.concat([a, b])', html: html(9000, 90) },
    NOTHING
  ]);
  assert.deepEqual(found, { name: 'sales', rows: 1200, columns: 80, cell: 1 });
});

test('a table tells its size in the words of pandas, of polars, of info, of shape, or by its rows', () => {
  const size = shown => {
    const { rows: r, columns: c } = frames.biggestFrame([{ ...NOTHING, ...shown }]) ?? {};
    return [r, c];
  };
  const row = '<tr><th>0</th><td>1</td><td>2</td></tr>';
  const body = `<table border="1" class="dataframe"><thead></thead><tbody>${row}${row}</tbody></table>`;
  assert.deepEqual(size({ source: 'df.head()', html: body }), [2, 2]);
  assert.deepEqual(size({ source: 'print(df)', text: '[12 rows x 4 columns]' }), [12, 4]);
  assert.deepEqual(size({ source: 'df', text: 'shape: (1_000, 3)\n' }), [1000, 3]);
  assert.deepEqual(size({ source: 'df.shape', text: '(7, 8)' }), [7, 8]);
  assert.deepEqual(
    size({
      source: 'df.info()',
      text: 'RangeIndex: 12 entries, 0 to 11\nData columns (total 5 columns):'
    }),
    [12, 5]
  );
  assert.deepEqual(size({ source: 'pair', text: '(7, 8)' }), [undefined, undefined]);
});

test('a download has the name that the server gives it, and no path in it', () => {
  const { nameOf } = transfer;
  assert.equal(nameOf('attachment; filename="a.md"; filename*=UTF-8\'\'%C3%A4.md'), 'ä.md');
  assert.equal(nameOf('attachment; filename="../x.md"'), '.._x.md');
  assert.equal(nameOf('attachment; filename="a.md"; filename*=UTF-8\'\'%E'), 'a.md');
  assert.equal(nameOf(null), null);
});
