/** Kinds of Mermaid diagrams that are drawn from words alone. */
const KINDS =
  /^(graph|flowchart|sequenceDiagram|classDiagram|stateDiagram(-v2)?|erDiagram|gantt|pie|mindmap|timeline|gitGraph|journey|quadrantChart|xychart(-beta)?)\b/;

/** What sets options, styles, links, pictures or markup: none of it is needed to draw. */
const REFUSED = [
  /%%\{/,
  /^\s*---/,
  /<(?=[a-z/!?])/i,
  /&|#\w+;|\\|\$\$|@\{|\{\s*["']/,
  /\/\/|\b(https?|ftp|file|blob|data|javascript|wss?)\s*:|url\s*\(|image-set|@import/i,
  /\b(icon|img|image|sprite|src)\b\s*["']?\s*[:=(]/i,
  /(^|;)\s*(click|href|links?|properties|details|style|classDef|linkStyle|cssClass|callback|call)\b/im
];

const LONGEST = 5000;

/**
 * Whether a Mermaid source can be drawn without loading, linking or styling anything. The library puts what it draws
 * into the page for a moment, so that a source is looked at before, and not the drawing after.
 */
export function isSafeDiagram(source: string): boolean {
  const text = source.replace(/^\s*%%(?!\{)[^\n]*\n/gm, '').trim();
  return (
    text.length <= LONGEST && KINDS.test(text) && !REFUSED.some(pattern => pattern.test(source))
  );
}
