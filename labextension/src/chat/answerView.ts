import { IRenderMimeRegistry } from '@jupyterlab/rendermime';

import { inert, isUnsafeMath } from '../server/inert';
import { Answer } from './answer';
import { definesLinks, splitBlocks } from './blocks';
import { CodeToolbar, IEditor } from './codeToolbar';
import { drawDiagram } from './diagram';
import { onceDrawn } from './drawn';
import { Thought } from './thought';

const MARKDOWN = 'text/markdown';

/** Characters of a beginning that are shown without being rendered. */
const AT_ONCE = 400;
/** The shortest time between two renderings, ms. */
const PACE_MS = 60;
/** The longest; the text must not fall behind for more than this. */
const SLOWEST_MS = 1000;
/** After so much work the page may do something else, ms. */
const BREATH_MS = 12;
/** Rendering may take one part in this many of the time. */
const SHARE = 4;

/** An answer on screen: finished blocks rendered once, the open end again and again. */
export class AnswerView {
  /** `node` is filled, and belongs to the view until it is disposed of. */
  constructor(
    readonly node: HTMLElement,
    private _answer: Answer,
    private _registry: IRenderMimeRegistry,
    private _editor: IEditor
  ) {
    this._tail.className = `${BLOCK_CLASS} ${LAST_CLASS}`;
    this._thought = new Thought(node, _answer);
    _answer.changed.connect(this._schedule, this);
    this._begin();
    void this._render();
  }

  dispose(): void {
    this._disposed = true;
    this._answer.changed.disconnect(this._schedule, this);
    window.clearTimeout(this._timer);
    this.node.replaceChildren();
  }

  /** Show the first words as they come, or a kept answer at once; what they mean as Markdown follows. */
  private _begin(): void {
    if (this._answer.text && !this._began && !this._disposed) {
      this._began = true;
      this._tail.textContent = this._answer.text;
      this.node.append(this._tail);
    }
  }

  private _schedule(): void {
    if (this._disposed) {
      return;
    }
    if (!this._began && this._answer.text) {
      this._begin();
      this._fresh = true;
      // What was to be rendered before there were words would stand there beside them.
      window.clearTimeout(this._timer);
      this._timer = 0;
      onceDrawn(() => {
        this._fresh = false;
        this._schedule();
      });
    }
    if (this._fresh) {
      // What comes until they are drawn is drawn with them; of an answer that is told again, no more than is seen.
      if (this._answer.text.length < AT_ONCE) {
        this._tail.textContent = this._answer.text;
      }
      return;
    }
    if (this._timer && this._answer.over) {
      window.clearTimeout(this._timer);
      this._timer = 0;
    }
    if (this._timer || this._rendering) {
      this._stale = true;
      return;
    }
    this._stale = false;
    const wait = this._answer.over ? 0 : this._pace - (performance.now() - this._last);
    this._timer = window.setTimeout(
      () => {
        this._timer = 0;
        void this._render();
      },
      Math.max(wait, 0)
    );
  }

  private async _render(): Promise<void> {
    const answer = this._answer;
    this._rendering = true;
    this._stale = false;
    const started = performance.now();
    this._breathed = started;
    try {
      await this._advance(answer);
    } finally {
      this._rendering = false;
      // The first word is shown when it comes.
      if (answer.text) {
        this._last = performance.now();
        this._pace = Math.min(Math.max(PACE_MS, SHARE * (this._last - started)), SLOWEST_MS);
      }
      if (this._stale) {
        this._schedule();
      }
    }
  }

  private async _advance(answer: Answer): Promise<void> {
    const over = answer.over;
    this._thought.update();
    if (!over && !answer.text) {
      return;
    }
    if (over && definesLinks(answer.text)) {
      this._settled.forEach(block => block.remove());
      this._done = 0;
      await this._settle(answer.text);
    } else {
      const { finished, tail } = splitBlocks(answer.text.slice(this._done));
      const settled = over ? [...finished, tail] : finished;
      for (const block of settled) {
        await this._settle(block);
        this._done += block.length;
        if (performance.now() - this._breathed > BREATH_MS) {
          await new Promise(resolve => setTimeout(resolve));
          this._breathed = performance.now();
        }
      }
      if (!over && !this._disposed) {
        const open = await this._block(tail);
        this._tail.replaceChildren(...open.childNodes);
        if (this._tail.parentNode !== this.node || this._tail.nextSibling) {
          this.node.append(this._tail);
        }
      }
    }
    if (over) {
      this._tail.remove();
      this._settled[this._settled.length - 1]?.classList.add(LAST_CLASS);
      answer.changed.disconnect(this._schedule, this);
    }
  }

  /** Put a block that will not change any more before the open end. */
  private async _settle(markdown: string): Promise<void> {
    if (!markdown.trim()) {
      return;
    }
    const block = await this._block(markdown);
    if (this._disposed) {
      return;
    }
    for (const pre of block.querySelectorAll('pre')) {
      const toolbar = new CodeToolbar(pre, this._editor);
      const diagram = pre.querySelector('code.language-diagram') !== null;
      pre.replaceWith(toolbar.node);
      if (diagram) {
        void drawDiagram(toolbar.node, this._registry);
      }
    }
    block.classList.toggle(CODE_CLASS, block.lastElementChild?.matches('.tether-Code') ?? false);
    // The open end showed the beginning of this very block: empty it in the same breath.
    this._tail.replaceChildren();
    this.node.insertBefore(block, this._tail.parentNode === this.node ? this._tail : null);
    this._settled.push(block);
  }

  private async _block(markdown: string): Promise<HTMLElement> {
    const source = inert(markdown);
    const renderer = this._registry.createRenderer(MARKDOWN);
    await renderer.renderModel(this._registry.createModel({ data: { [MARKDOWN]: source } }));
    const block = document.createElement('div');
    block.className = BLOCK_CLASS;
    block.append(...renderer.node.childNodes);
    renderer.dispose();
    const text = block.textContent ?? '';
    reach(block);
    if (HAS_MATH.test(text) && !isUnsafeMath(text)) {
      // It says that it returns nothing, and returns a promise.
      const set: unknown = this._registry.latexTypesetter?.typeset(block);
      void Promise.resolve(set).then(() => reach(block));
    }
    return block;
  }

  private _thought: Thought;
  private _settled: HTMLElement[] = [];
  private _tail = document.createElement('div');
  /** Characters that stand in settled blocks. */
  private _done = 0;
  private _timer = 0;
  private _rendering = false;
  private _stale = false;
  private _disposed = false;
  private _last = 0;
  private _breathed = 0;
  private _began = false;
  /** Whether the first words are not drawn yet. */
  private _fresh = false;
  private _pace = PACE_MS;
}

/** What may be wider than its place can be scrolled by keyboard. */
function reach(block: HTMLElement): void {
  for (const wide of block.querySelectorAll<HTMLElement>(WIDE)) {
    wide.tabIndex = 0;
  }
}

const WIDE = 'table, mjx-container[display="true"]';
const BLOCK_CLASS = 'tether-Block jp-RenderedHTMLCommon jp-RenderedMarkdown';
const LAST_CLASS = 'tether-mod-last';
/** A block that ends with code, under which its tools keep the distance. */
const CODE_CLASS = 'tether-mod-code';
const HAS_MATH = /\$|\\\(|\\\[|\\begin\{/;
