import temml from 'temml';

import { element } from './dom';

const LONGEST = 4000;
const MATHML = 'http://www.w3.org/1998/Math/MathML';
/** The text between the dollars or brackets by what became of it; a stream renders the same formula often. */
const known = new Map<string, Node>();
const MOST_KNOWN = 300;

/** A formula as MathML, which browsers draw with their own fonts; its source where it cannot be read. */
export function formula(tex: string, display: boolean): Node {
  const key = `${display}${tex}`;
  let made = known.get(key);
  if (!made) {
    made = render(tex, display);
    if (known.size >= MOST_KNOWN) {
      known.clear();
    }
    known.set(key, made);
  }
  return made.cloneNode(true);
}

function render(tex: string, display: boolean): Node {
  const holder = element('span', display ? 'tw-formula tw-mod-display' : 'tw-formula');
  try {
    if (tex.length > LONGEST) {
      throw new RangeError('a formula of this length is not drawn');
    }
    temml.render(tex, holder, {
      displayMode: display,
      throwOnError: true,
      trust: false,
      maxSize: [20, 20],
      maxExpand: 200
    });
    if ([...holder.querySelectorAll('*')].every(isInert)) {
      return holder;
    }
  } catch {
    // What TeX it is, or whether it is any, only its reader can tell: the source says it.
  }
  const source = element('code', '', display ? `$$${tex}$$` : `$${tex}$`);
  holder.replaceChildren(source);
  return holder;
}

/** Whether an element of a formula only draws. */
function isInert(part: Element): boolean {
  return (
    part.namespaceURI === MATHML &&
    part.localName !== 'annotation-xml' &&
    [...part.attributes].every(
      ({ name, value }) =>
        !/^(on|id$|src|xlink|xml|action)|href/i.test(name) &&
        !/url\s*\(|position\s*:|javascript:/i.test(value)
    )
  );
}
