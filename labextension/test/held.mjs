/** Let promises that have settled be heard. */
export const settled = () => new Promise(resolve => setImmediate(resolve));

const stored = (id, parent_id, role, content, status = 'complete') => ({
  ...{ id, parent_id, role, content, status },
  created_at: '2026-11-20T10:00:00Z',
  model: 'mock:a',
  finish_reason: role === 'assistant' ? 'stop' : null,
  error: null,
  usage: null,
  reaction: null
});

/** A promise, and what settles it. */
function gate() {
  let open;
  const opened = new Promise(resolve => (open = resolve));
  return { opened, open };
}

/** A server that keeps what is said. Each answer waits until it is let go; so does what `holds` names. */
export class Held {
  asked = [];
  stopped = [];

  /** Keep a conversation, which its notebook goes on with. */
  keep(id, notebook, ...said) {
    const messages = said.map((words, n) =>
      stored(`${id}_${n}`, n ? `${id}_${n - 1}` : null, n % 2 ? 'assistant' : 'user', words)
    );
    this._kept.set(id, { id, title: id, notebook, deleted_at: null, messages });
    this._newest.set(notebook, id);
  }

  /** Let the answer to the nth question end. */
  go(n) {
    this._answers[n - 1].open();
  }

  /** Have `begin` or `read` wait. Returns what lets it go on. */
  hold(what) {
    const { opened, open } = gate();
    this._holds[what] = opened;
    return open;
  }

  async *stream(question) {
    const n = this.asked.push(question);
    this._answers.push(gate());
    const id = question.conversation_id ?? this._newest.get(question.notebook) ?? 'c_1';
    if (!this._kept.has(id)) {
      this.keep(id, question.notebook ?? null);
    }
    const { messages, notebook } = this._kept.get(id);
    this._newest.set(notebook, id);
    const before = messages[messages.length - 1]?.id ?? null;
    const answer = stored(`m_${n}`, `q_${n}`, 'assistant', '', 'running');
    messages.push(stored(`q_${n}`, before, 'user', question.message), answer);
    yield { meta: { id: `m_${n}`, parent_id: `q_${n}`, conversation_id: id, model: 'mock:a' } };
    yield { delta: 'yes' };
    await this._answers[n - 1].opened;
    Object.assign(answer, { status: 'complete', content: 'yes' });
    yield { done: true, finish_reason: 'stop' };
  }

  /** Have a notebook gone, or its conversations be another's. */
  leave(notebook) {
    this._newest.delete(notebook);
  }

  async told(id) {
    const found = structuredClone(this._kept.get(id));
    await this._holds.read;
    return found;
  }

  async conversation(notebook) {
    const id = this._newest.get(notebook);
    return id === undefined ? null : this.told(id);
  }

  async facts(id) {
    return this._kept.get(id);
  }

  async begin(notebook) {
    await this._holds.begin;
    const id = `c_${this._kept.size + 1}`;
    this.keep(id, notebook);
    return id;
  }

  async stop(id) {
    this.stopped.push(id);
  }

  async health() {
    return { status: 'healthy', backend: 'mock', model: 'a', place: '' };
  }

  _kept = new Map();
  _newest = new Map();
  _answers = [];
  _holds = {};
}
