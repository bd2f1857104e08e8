import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';

import { isSafeLink } from '../server/inert';

const KEPT = new Set(
  (
    'a blockquote br code dd del div dl dt em h1 h2 h3 h4 h5 h6 hr kbd li ol p pre s span strong sub sup ' +
    'table tbody td tfoot th thead tr ul'
  ).split(' ')
);

const ATTRIBUTES = new Set(['align', 'class', 'colspan', 'href', 'rowspan', 'start']);

/** Classes by which Lab's and our own code know their widgets: not for a model to wear. */
const RESERVED_CLASS = /^(jp|lm|p|tether|fa|bp)-|^MathJax|^mjx/i;

/**
 * Lets nothing of a model's text load or act. Lab's sanitizer keeps images, media, styles and `data-*`; it was not
 * made to stop text from phoning home.
 */
export class InertSanitizer implements IRenderMime.ISanitizer {
  constructor(private _inner: IRenderMime.ISanitizer) {}

  readonly allowNamedProperties = false;
  readonly allowCommandLinker = false;

  getAutolink(): boolean {
    return this._inner.getAutolink?.() ?? true;
  }

  sanitize(dirty: string, options?: IRenderMime.ISanitizerOptions): string {
    // A parsed document is not shown, so nothing in it is fetched while it is being cleaned.
    const parsed = new DOMParser().parseFromString(
      this._inner.sanitize(dirty, options),
      'text/html'
    );
    for (const element of parsed.body.querySelectorAll('*')) {
      if (parsed.body.contains(element)) {
        clean(element, parsed);
      }
    }
    return parsed.body.innerHTML;
  }
}

function clean(element: Element, parsed: Document): void {
  const tag = element.localName;
  if (tag === 'img') {
    element.replaceWith(linkTo(element, parsed));
    return;
  }
  if (tag === 'input' && element.getAttribute('type') === 'checkbox') {
    element.replaceWith(element.hasAttribute('checked') ? '☑ ' : '☐ ');
    return;
  }
  if (!KEPT.has(tag) || element.namespaceURI !== 'http://www.w3.org/1999/xhtml') {
    element.replaceWith(element.textContent ?? '');
    return;
  }
  for (const { name } of [...element.attributes]) {
    if (!ATTRIBUTES.has(name)) {
      element.removeAttribute(name);
    }
  }
  for (const name of [...element.classList]) {
    if (RESERVED_CLASS.test(name)) {
      element.classList.remove(name);
    }
  }
  const href = element.getAttribute('href');
  if (tag !== 'a' || href === null) {
    element.removeAttribute('href');
  } else if (isSafeLink(href)) {
    element.setAttribute('rel', 'noopener noreferrer');
    element.setAttribute('target', '_blank');
  } else {
    element.replaceWith(...element.childNodes, ' (link blocked)');
  }
}

function linkTo(image: Element, parsed: Document): Node {
  const source = image.getAttribute('src') ?? '';
  const label = `image: ${image.getAttribute('alt') || source.slice(0, 60)}`;
  if (!isSafeLink(source)) {
    return parsed.createTextNode(label);
  }
  const link = parsed.createElement('a');
  link.href = source;
  link.rel = 'noopener noreferrer';
  link.target = '_blank';
  link.textContent = label;
  return link;
}
