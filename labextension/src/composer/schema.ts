/** A variable as the server describes it: what it is, and its columns. */
export interface ISchema {
  /** `DataFrame, 12 × 80`. */
  facts: string;
  columns: { name: string; facts: string }[];
}

export interface ISection {
  kind: string;
  name: string;
  text: string;
}

const SECTION = /<(file|cell|variable|error|selection)(?: name="([^"]*)")?>\n([^]*?)\n<\/\1>/g;

/** The pieces of context in a message as it would be sent. A closing tag within one is escaped by the server. */
export function sectionsOf(message: string): ISection[] {
  return [...message.matchAll(SECTION)].map(([, kind, name = '', text]) => ({ kind, name, text }));
}

/** Read the server's lines about one variable. */
export function schemaOf(text: string): ISchema {
  const [head = '', ...rest] = text.split('\n');
  const colon = head.indexOf(': ');
  const columns = rest
    .map(line => /^ {2}(\S[^:]*): (.*)$/.exec(line))
    .filter((found): found is RegExpExecArray => found !== null && found[1] !== 'first rows')
    .map(([, name, facts]) => ({ name, facts }));
  return { facts: colon < 0 ? '' : short(head.slice(colon + 2)), columns };
}

/** How a column is named behind its variable: `df.price`, `df['unit price']`. */
export function columnName(variable: string, column: string): string {
  if (/^[^\W\d]\w*$/u.test(column)) {
    return `${variable}.${column}`;
  }
  return column.includes("'") ? `${variable}["${column}"]` : `${variable}['${column}']`;
}

/** Its type and shape alone: memory and index are for the model. */
function short(facts: string): string {
  return facts
    .split(', ')
    .filter((each, at) => at === 0 || / × | long$|^\d+$/.test(each))
    .join(', ');
}
