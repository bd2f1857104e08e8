import type { Answer } from './answer';

/** What a model has thought before it answered: one line, and all of it when that is opened. */
export class Thought {
  constructor(
    private _parent: HTMLElement,
    private _answer: Answer
  ) {}

  /** Show what has been thought so far. */
  update(): void {
    const { thought, text } = this._answer;
    if (!thought) {
      return;
    }
    if (!this._node.parentNode) {
      this._node.className = 'tether-Thought';
      this._node.append(this._head, this._body);
      this._body.tabIndex = 0;
      this._parent.prepend(this._node);
    }
    this._head.textContent = text || this._answer.over ? 'What it thought' : 'Its thoughts so far';
    if (this._told < thought.length) {
      this._body.append(thought.slice(this._told));
      this._told = thought.length;
    }
  }

  private _node = document.createElement('details');
  private _head = document.createElement('summary');
  private _body = document.createElement('pre');
  private _told = 0;
}
