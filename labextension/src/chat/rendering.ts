import { IRenderMimeRegistry } from '@jupyterlab/rendermime';

import { InertSanitizer } from './sanitizer';

/** Lab's renderers behind our sanitizer. */
export function chatRendermime(lab: IRenderMimeRegistry): IRenderMimeRegistry {
  return lab.clone({ sanitizer: new InertSanitizer(lab.sanitizer) });
}
