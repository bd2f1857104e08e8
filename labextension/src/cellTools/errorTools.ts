import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { MessageLoop } from '@lumino/messaging';

/** What errors are rendered as: as what goes to stderr, where nothing knows better. */
export const ERRORS = ['application/vnd.jupyter.error', 'application/vnd.jupyter.stderr'];

/** What the buttons of an error do; `model` is the error's output. */
export interface IErrorDoing {
  /** Whether this error gets buttons where it is shown now. */
  offers(model: IRenderMime.IMimeModel): boolean;
  ask(model: IRenderMime.IMimeModel, fix: boolean): void;
}

/**
 * Errors as they were rendered before, with Fix and Explain at the top right.
 *
 * The renderer is the one place that all errors come by: run again, scrolled back into a windowed notebook, or shown
 * in a view beside it.
 */
export function withErrorTools(
  factory: IRenderMime.IRendererFactory,
  doing: IErrorDoing,
  type: string
): IRenderMime.IRendererFactory {
  return {
    ...factory,
    // The factory may render more types than this one.
    mimeTypes: [type],
    createRenderer: options => {
      const renderer = factory.createRenderer(options);
      const render = renderer.renderModel.bind(renderer);
      let tools: HTMLElement | null = null;
      let shown: IRenderMime.IMimeModel | null = null;
      const place = () => {
        if (!shown || !doing.offers(shown)) {
          tools?.remove();
          return;
        }
        tools ??= made(fix => shown && doing.ask(shown, fix));
        if (renderer.node.firstChild !== tools) {
          renderer.node.prepend(tools);
        }
      };
      renderer.renderModel = async model => {
        shown = model;
        // Rendering empties the node first, and fills it before its promise settles.
        const rendered = render(model);
        place();
        await rendered;
        place();
      };
      MessageLoop.installMessageHook(renderer, (_, message) => {
        if (message.type === 'after-attach' && shown) {
          place();
        }
        return true;
      });
      return renderer;
    }
  };
}

function made(ask: (fix: boolean) => void): HTMLElement {
  const tools = document.createElement('div');
  tools.className = 'tether-ErrorTools';
  tools.setAttribute('role', 'group');
  tools.setAttribute('aria-label', 'About this error');
  tools.append(
    button('Fix', 'Fix this error', 'tether-fix', () => ask(true)),
    button('Explain', 'Explain this error', 'tether-explain', () => ask(false))
  );
  return tools;
}

function button(words: string, name: string, testid: string, press: () => void): HTMLElement {
  const node = document.createElement('button');
  node.type = 'button';
  node.className = 'tether-button';
  node.textContent = words;
  node.title = name;
  node.setAttribute('aria-label', name);
  node.dataset.testid = testid;
  node.addEventListener('click', press);
  return node;
}
