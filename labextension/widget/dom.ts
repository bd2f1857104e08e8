/** An element with a class and children; text is always text. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className = '',
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (className) {
    made.className = className;
  }
  made.append(...children);
  return made;
}

/** A button that says what it does. */
export function button(label: string, className: string, act: () => void): HTMLButtonElement {
  const made = element('button', `tw-button ${className}`, label);
  made.type = 'button';
  made.addEventListener('click', act);
  return made;
}

/**
 * Make `old` equal to `fresh`, and touch nothing in it that is so already: a selection there stays, and a text that
 * has grown grows in place. The first `from` nodes are left out of it.
 */
export function morph(old: Element, fresh: Element | DocumentFragment, from = 0): void {
  const wanted = [...fresh.childNodes];
  wanted.forEach((next, at) => {
    const there = old.childNodes[from + at];
    if (!there) {
      old.append(next);
    } else if (there instanceof Text && next instanceof Text) {
      grow(there, next.data);
    } else if (there instanceof Element && next instanceof Element && sameKind(there, next)) {
      copyAttributes(there, next);
      morph(there, next);
    } else {
      there.replaceWith(next);
    }
  });
  while (old.childNodes.length > from + wanted.length) {
    old.lastChild?.remove();
  }
}

function grow(there: Text, text: string): void {
  if (there.data === text) {
    return;
  }
  if (text.startsWith(there.data)) {
    there.appendData(text.slice(there.length));
  } else {
    there.data = text;
  }
}

function sameKind(there: Element, next: Element): boolean {
  return there.localName === next.localName && there.namespaceURI === next.namespaceURI;
}

function copyAttributes(there: Element, next: Element): void {
  for (const { name } of [...there.attributes]) {
    if (!next.hasAttribute(name)) {
      there.removeAttribute(name);
    }
  }
  for (const { name, value } of next.attributes) {
    if (there.getAttribute(name) !== value) {
      there.setAttribute(name, value);
    }
  }
}
