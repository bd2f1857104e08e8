import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { Widget } from '@lumino/widgets';

import { isSafeDiagram } from '../server/diagram';

const MERMAID = 'text/vnd.mermaid';

/** Draw the Mermaid source in a code block above it. A source that could load something, or is none, stays as it is. */
export async function drawDiagram(
  block: HTMLElement,
  registry: IRenderMimeRegistry
): Promise<void> {
  const source = block.querySelector('code')?.textContent ?? '';
  if (!isSafeDiagram(source) || !registry.getFactory(MERMAID)) {
    return;
  }
  const renderer = registry.createRenderer(MERMAID);
  const model = registry.createModel({ data: { [MERMAID]: source }, trusted: false });
  try {
    await renderer.renderModel(model);
    const picture = renderer.node.querySelector('img');
    if (!picture) {
      return;
    }
    picture.alt ||= 'Diagram';
    const figure = document.createElement('figure');
    figure.className = 'tether-Diagram';
    figure.tabIndex = 0;
    figure.append(picture);
    const words = document.createElement('details');
    const head = document.createElement('summary');
    head.textContent = 'Source of the diagram';
    block.replaceWith(figure, words);
    words.append(head, block);
  } finally {
    (renderer as Widget).dispose();
  }
}
