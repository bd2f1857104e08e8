import { placesOf } from './hits';

/** The name under which `messages.css` colours what was found. */
const NAME = 'tether-found';
/** How long the words stay coloured, ms. */
const MARKED_MS = 6000;
/** What was said stands in these; the names of buttons do not count. */
const SAID = '.tether-Block, .tether-far, .tether-Question';
/** What a wide line is moved in. */
const WIDE = 'pre, table, .tether-Block';

/** The words of a message that a search has found, wherever they stand as the message is drawn. */
export class FoundWords {
  /** `onMoved` hears that they may stand elsewhere. */
  constructor(
    private _message: HTMLElement,
    private _words: readonly string[],
    onMoved: () => void
  ) {
    this._find();
    this._timer = window.setTimeout(() => {
      this._marking = false;
      this._mark();
    }, MARKED_MS);
    // What is plain text at first is replaced by its Markdown, block by block.
    this._observer = new MutationObserver(() => {
      cancelAnimationFrame(this._frame);
      this._frame = requestAnimationFrame(() => {
        this._find();
        onMoved();
      });
    });
    this._observer.observe(_message, { childList: true, subtree: true, characterData: true });
  }

  dispose(): void {
    this._observer.disconnect();
    cancelAnimationFrame(this._frame);
    window.clearTimeout(this._timer);
    this._ranges = [];
    this._mark();
  }

  /** Where the first of them stands on the screen, or null. */
  get rect(): DOMRect | null {
    const [first] = this._ranges;
    return first && !first.collapsed ? first.getBoundingClientRect() : null;
  }

  private _find(): void {
    const nodes: { node: Text; start: number }[] = [];
    let text = '';
    for (const part of this._message.querySelectorAll(SAID)) {
      const walker = document.createTreeWalker(part, NodeFilter.SHOW_TEXT);
      for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        if (!node.parentElement?.closest('button')) {
          nodes.push({ node: node as Text, start: text.length });
          text += node.textContent ?? '';
        }
      }
      text += '\n';
    }
    const ranges = placesOf(text, this._words).map(([start, end]) => {
      const range = document.createRange();
      range.setStart(...within(nodes, start, false));
      range.setEnd(...within(nodes, end, true));
      return range;
    });
    const known = this._ranges[0]?.startContainer;
    this._ranges = ranges;
    if (ranges[0] && ranges[0].startContainer !== known) {
      intoSight(ranges[0]);
    }
    this._mark();
  }

  private _mark(): void {
    // A browser without it shows the place, and lights the message.
    const { highlights } = CSS as { highlights?: HighlightRegistry };
    if (highlights && this._marking && this._ranges.length) {
      highlights.set(NAME, new Highlight(...this._ranges));
    } else {
      highlights?.delete(NAME);
    }
  }

  private _ranges: Range[] = [];
  private _marking = true;
  private _frame = 0;
  private _timer: number;
  private _observer: MutationObserver;
}

/** The node of a character and its place there; of an end, the node of the character before it. */
function within(nodes: { node: Text; start: number }[], at: number, end: boolean): [Text, number] {
  const place = end ? at - 1 : at;
  let found = nodes[0];
  for (const each of nodes) {
    if (each.start > place) {
      break;
    }
    found = each.node.length ? each : found;
  }
  return [found.node, Math.min(at - found.start, found.node.length)];
}

/** Move a long line sideways until its words are seen. */
function intoSight(range: Range): void {
  const box = range.startContainer.parentElement?.closest(WIDE);
  const rect = range.getBoundingClientRect();
  if (box && box.scrollWidth > box.clientWidth) {
    const { left, right } = box.getBoundingClientRect();
    if (rect.left < left || rect.right > right) {
      box.scrollLeft += rect.left - left - (right - left) / 3;
    }
  }
}
