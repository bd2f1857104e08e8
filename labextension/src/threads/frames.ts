/** A table that a cell has shown. */
export interface IFrame {
  name: string;
  rows: number;
  columns: number;
  /** Counted from 0. */
  cell: number;
}

/** What of a cell's output says how large a table is. */
export interface IShown {
  source: string;
  html: string;
  text: string;
}

const NAME =
  /^(?:print|display)?\(?\s*([A-Za-z_]\w*)\s*(?:\.(?:head|tail|sample|info|shape)\b(?:\([^()]*\))?)?\s*\)?;?$/;

/** The biggest table that was shown by its name, from the outputs of the cells that ran; null without one. */
export function biggestFrame(cells: IShown[]): IFrame | null {
  let biggest: IFrame | null = null;
  cells.forEach(({ source, html, text }, cell) => {
    const lines = source.trim().split('\n');
    const name = NAME.exec(lines[lines.length - 1].trim())?.[1];
    const shape = name ? (shapeOf(html, text) ?? pair(source, text)) : null;
    if (name && shape && (!biggest || shape[0] * shape[1] >= biggest.rows * biggest.columns)) {
      biggest = { name, rows: shape[0], columns: shape[1], cell };
    }
  });
  return biggest;
}

/** Rows and columns, in the words of pandas, polars or a table's own mark-up. */
function shapeOf(html: string, text: string): [number, number] | null {
  const said =
    /(\d[\d,]*) rows × (\d[\d,]*) columns/.exec(html) ??
    /\[(\d[\d,]*) rows x (\d[\d,]*) columns\]/.exec(text) ??
    /shape: \((\d[\d_,]*?), (\d[\d_]*)\)/.exec(text || html) ??
    info(text);
  if (said) {
    const number = (words: string) => Number(words.replace(/[,_]/g, ''));
    return [number(said[1]), number(said[2])];
  }
  const body = /<table[^>]*class="dataframe"[\s\S]*?<tbody>([\s\S]*?)<\/tbody>/.exec(html);
  if (!body) {
    return null;
  }
  const rows = body[1].match(/<tr[\s>]/g)?.length ?? 0;
  const first = body[1].split('</tr>')[0];
  return rows ? [rows, first.match(/<td[\s>]/g)?.length ?? 0] : null;
}

/** What `DataFrame.info()` prints. */
function info(text: string): [string, string, string] | null {
  const rows = /Index: (\d+) entries/.exec(text)?.[1];
  const columns = /Data columns \(total (\d+) columns?\)/.exec(text)?.[1];
  return rows && columns ? ['', rows, columns] : null;
}

/** What `frame.shape` is. */
function pair(source: string, text: string): [number, number] | null {
  const found = /\.shape\s*\)?;?\s*$/.test(source) ? /^\((\d+), (\d+)\)\s*$/.exec(text) : null;
  return found && [Number(found[1]), Number(found[2])];
}
