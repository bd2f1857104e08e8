import { IRenderMimeRegistry } from '@jupyterlab/rendermime';

import { InertSanitizer } from './sanitizer';

/** Lab's renderers behind our sanitizer. */
export function chatRendermime(lab: IRenderMimeRegistry): IRenderMimeRegistry {
  return lab.clone({ sanitizer: new InertSanitizer(lab.sanitizer) });
}

/** What needs each part of Lab that an answer is drawn with. */
const SAMPLE = '`a` $b$\n\n```python\nc\n```';

/**
 * Have Lab load what it draws Markdown, code and maths with, as soon as the page has time for it.
 * The first answer waited for it otherwise.
 */
export function prepare(registry: IRenderMimeRegistry): void {
  requestIdleCallback(() => {
    // What fails here fails again where it is needed, and is told there.
    void draw(registry, SAMPLE).catch(() => undefined);
  });
}

async function draw(registry: IRenderMimeRegistry, markdown: string): Promise<void> {
  const type = 'text/markdown';
  const renderer = registry.createRenderer(type);
  try {
    await renderer.renderModel(registry.createModel({ data: { [type]: markdown } }));
    await registry.latexTypesetter?.typeset(renderer.node);
  } finally {
    renderer.dispose();
  }
}
