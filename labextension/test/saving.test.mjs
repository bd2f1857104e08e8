import assert from 'node:assert/strict';
import { test } from 'node:test';

import commander from '../lib/test/composer/commander.js';

const { obey } = commander;

/** A conversation with another branch than the newest shown, as far as saving it goes. */
const thread = { id: 'c_1', said: [{ id: 'q_1' }, { id: 'm_1' }, { id: null }], draft: {} };

/** A server that gives this file. */
function serverOf(asked) {
  const headers = { 'Content-Disposition': `attachment; filename*=UTF-8''One.md` };
  return {
    request: async path => {
      asked.push(path);
      return new Response('# One', { headers });
    }
  };
}

test('/export saves the branch that is shown, as the menu does', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const [asked, clicked, revoked, links] = [[], [], [], []];
  t.mock.method(URL, 'createObjectURL', () => 'blob:one');
  t.mock.method(URL, 'revokeObjectURL', url => revoked.push(url));
  globalThis.document = {
    body: { append: link => links.push(link) },
    createElement: () => ({
      click() {
        clicked.push([this.href, this.download]);
      },
      remove() {}
    })
  };
  t.after(() => delete globalThis.document);
  const rooms = { open: { panel: null }, server: serverOf(asked) };
  const told = await obey('/export', { rooms, thread });
  assert.equal(told, 'Saved as Markdown, among your downloads.');
  assert.deepEqual(asked, ['conversations/c_1/export?format=md&message=m_1']);
  assert.deepEqual(clicked, [['blob:one', 'One.md']]);
  // The browser reads it when the click has ended.
  assert.deepEqual([links.length, revoked], [1, []]);
});
