import assert from 'node:assert/strict';
import { mock, test } from 'node:test';

import finding from '../lib/test/threads/finding.js';
import shelf from '../lib/test/threads/shelf.js';
import toast from '../lib/test/threads/toast.js';

const thread = (id, more = {}) => ({
  id,
  title: id,
  notebook: null,
  project_id: null,
  pinned: false,
  message_count: 1,
  created_at: '2026-01-01T00:00:00Z',
  last_message_at: '2026-01-01T00:00:00Z',
  deleted_at: null,
  ...more
});

/** A server that keeps conversations, and refuses whatever `refuses` says. */
function serverOf(all) {
  const kept = new Map(all.map(each => [each.id, each]));
  const asked = [];
  return {
    kept,
    asked,
    projects: [],
    refuses: () => false,
    /** What is asked, but not what is changed, is answered after this. */
    late: Promise.resolve(),
    async json(path, init = {}) {
      const answer = this.answer(path, init);
      await (init.method === undefined && this.late);
      return answer;
    },
    answer(path, init) {
      asked.push(`${init.method ?? 'GET'} ${path}`);
      if (this.refuses(path, init)) {
        throw new Error('refused');
      }
      const [isProject, known] = /^projects\/?(.*)$/.exec(path) ?? [];
      if (isProject && init.method) {
        const made = { id: known || `p${this.projects.length}`, ...JSON.parse(init.body) };
        this.projects = [...this.projects.filter(each => each.id !== known), made];
        return made;
      }
      if (isProject) {
        return { projects: this.projects };
      }
      const [, id] = /^conversations\/(.+)$/.exec(path) ?? [];
      if (id) {
        const change = init.method === 'DELETE' ? { deleted: true } : JSON.parse(init.body ?? '{}');
        const { deleted, ...rest } = change;
        const gone = deleted === undefined ? {} : { deleted_at: deleted ? 'now' : null };
        kept.set(id, { ...kept.get(id), ...rest, ...gone });
        return kept.get(id);
      }
      const query = new URLSearchParams(path.split('?')[1]);
      const [from, limit] = [Number(query.get('offset')), Number(query.get('limit'))];
      const wanted = [...kept.values()].filter(
        each => Boolean(each.deleted_at) === (query.get('deleted') === 'true')
      );
      const next = from + limit < wanted.length ? from + limit : null;
      return { conversations: wanted.slice(from, from + limit), next, writing: ['t1'] };
    }
  };
}

function many(count) {
  return [...Array(count).keys()].map(n => thread(`t${n}`));
}

test('all pages are read, and what is gone from the server is gone from the list', async () => {
  const server = serverOf(many(1300));
  const found = new shelf.Shelf(server);
  await found.load();
  assert.equal(found.threads.size, 1300);
  assert.equal(found.loading, false);
  assert.deepEqual([...found.writing], ['t1']);
  assert.equal(server.asked.filter(each => each.includes('offset')).length, 3);
  server.kept.delete('t7');
  await found.load();
  assert.equal(found.threads.has('t7'), false);
});

test('a change shows at once, and what was before comes back where it is refused', async t => {
  t.mock.method(console, 'error', () => undefined);
  const server = serverOf(many(2));
  const found = new shelf.Shelf(server);
  await found.load();
  const done = found.change('t0', { pinned: true, title: 'Another' });
  assert.deepEqual(
    [found.threads.get('t0').pinned, found.threads.get('t0').title],
    [true, 'Another']
  );
  await done;
  server.refuses = (_, init) => init.method !== undefined;
  const refused = found.change('t0', { pinned: false });
  assert.equal(found.threads.get('t0').pinned, false);
  await assert.rejects(refused, { name: 'TurnError' });
  assert.equal(found.threads.get('t0').pinned, true);
  const kept = found.remove('t1');
  assert.equal(found.threads.has('t1'), false);
  await assert.rejects(kept, { name: 'TurnError' });
  assert.equal(found.threads.has('t1'), true);
});

test('what was deleted stands with the deleted ones until it is restored', async () => {
  const found = new shelf.Shelf(serverOf(many(3)));
  await found.load();
  await found.loadDeleted();
  assert.deepEqual(found.deleted, []);
  await found.remove('t1');
  assert.deepEqual(
    found.deleted.map(each => each.id),
    ['t1']
  );
  await found.restore('t1');
  assert.deepEqual(found.deleted, []);
  assert.equal(found.threads.get('t1').deleted_at, null);
});

test('a deletion during the reading is not undone by a page that was read before it', async () => {
  const server = serverOf(many(150));
  const found = new shelf.Shelf(server);
  const reading = found.load();
  await found.remove('t120');
  await reading;
  await new Promise(resolve =>
    found.changed.connect(() => !found.loading && setImmediate(resolve))
  );
  assert.equal(found.threads.has('t120'), false);
  assert.equal(found.threads.size, 149);
});

test('what is restored while the deleted ones are read is not among them', async () => {
  const server = serverOf([
    thread('t0', { deleted_at: 'now' }),
    thread('t1', { deleted_at: 'now' })
  ]);
  const found = new shelf.Shelf(server);
  let go;
  server.late = new Promise(resolve => (go = resolve));
  const reading = found.loadDeleted();
  await found.restore('t1');
  go();
  await reading;
  assert.deepEqual(
    found.deleted.map(each => each.id),
    ['t0']
  );
});

test('a project that is made or named during a reading stays as it is', async () => {
  const server = serverOf(many(2));
  const found = new shelf.Shelf(server);
  const names = () => found.projects.map(each => each.name);
  let go;
  server.late = new Promise(resolve => (go = resolve));
  const before = found.load();
  const made = await found.createProject('New project');
  const between = found.load();
  await found.changeProject(made, { name: 'Sales' });
  assert.deepEqual(names(), ['Sales']);
  go();
  await Promise.all([before, between]);
  assert.deepEqual(names(), ['Sales']);
  await new Promise(resolve =>
    found.changed.connect(() => !found.loading && setImmediate(resolve))
  );
  assert.deepEqual(names(), ['Sales']);
  assert.equal(found.threads.size, 2);
});

test('of searches that follow each other only the last one is asked and shown', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  const asked = [];
  const server = {
    json: async path => {
      const words = new URLSearchParams(path.split('?')[1]).get('q');
      asked.push(words);
      return { results: [{ conversation: { id: words }, message: null, snippet: [] }], next: null };
    }
  };
  const search = new finding.Finding(server);
  search.set('t');
  search.set('to');
  mock.timers.tick(149);
  search.set('tot');
  assert.equal(search.busy, true);
  mock.timers.tick(150);
  const late = search.found;
  search.set('total');
  mock.timers.tick(150);
  mock.timers.reset();
  await new Promise(resolve => setImmediate(resolve));
  assert.deepEqual(late, []);
  assert.deepEqual(asked, ['tot', 'total']);
  assert.deepEqual(
    search.found.map(each => each.conversation.id),
    ['total']
  );
  assert.equal(search.busy, false);
  search.set('  ');
  assert.deepEqual([search.found, search.busy], [[], false]);
});

test('a toast goes by itself unless somebody is at it, and is taken back once', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  const found = new toast.Toast();
  let undone = 0;
  found.say('Deleted.', async () => void undone++);
  found.hold('pointer');
  mock.timers.tick(60_000);
  assert.equal(found.note.words, 'Deleted.');
  await found.undo();
  await found.undo();
  assert.deepEqual([undone, found.note], [1, null]);
  found.say('Again.');
  mock.timers.tick(10_000);
  assert.equal(found.note, null);
  mock.timers.reset();
});

test('a toast stays for as long as either the pointer or the focus is on it', t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const found = new toast.Toast();
  found.say('Deleted.');
  found.hold('focus');
  found.hold('pointer');
  found.release('pointer');
  t.mock.timers.tick(60_000);
  assert.equal(found.note.words, 'Deleted.');
  found.say('Moved.');
  t.mock.timers.tick(60_000);
  assert.equal(found.note.words, 'Moved.');
  found.release('focus');
  t.mock.timers.tick(9_999);
  assert.equal(found.note.words, 'Moved.');
  t.mock.timers.tick(1);
  assert.equal(found.note, null);
});

test('who was never at a toast gives it no more time, and one that is gone holds no other', t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const found = new toast.Toast();
  found.say('Deleted.');
  t.mock.timers.tick(9_999);
  found.release('pointer');
  t.mock.timers.tick(1);
  assert.equal(found.note, null);
  found.say('Deleted.');
  found.hold('pointer');
  found.clear();
  found.say('Again.');
  t.mock.timers.tick(10_000);
  assert.equal(found.note, null);
});
