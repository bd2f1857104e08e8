import { withoutAnsi } from '../notebook/text';

/** An output as a notebook keeps it. */
export type Output = Record<string, unknown>;

/** What can be read of a cell's outputs: printed text, the text form of values, errors. Pictures are named. */
export function outputText(outputs: Output[]): string {
  return outputs
    .map(one)
    .filter(text => text.trim())
    .join('\n');
}

/** What was written to stderr. */
export function stderrText(outputs: Output[]): string {
  return outputText(
    outputs.filter(each => each.output_type === 'stream' && each.name === 'stderr')
  );
}

/** The traceback of an error, else its name and what it says. */
export function errorText(error: Output): string {
  const traceback = joined(error.traceback, '\n');
  return withoutAnsi(traceback || `${error.ename}: ${error.evalue}`);
}

function one(output: Output): string {
  switch (output.output_type) {
    case 'stream':
      return withoutAnsi(joined(output.text));
    case 'error':
      return errorText(output);
    default:
      return data((output.data ?? {}) as Record<string, unknown>);
  }
}

function data(bundle: Record<string, unknown>): string {
  for (const type of ['text/markdown', 'text/latex', 'text/plain']) {
    const text = joined(bundle[type]);
    if (text) {
      return withoutAnsi(text);
    }
  }
  const image = Object.keys(bundle).find(type => type.startsWith('image/'));
  return image ? `[a picture, ${image}]` : '';
}

/** Text as a notebook keeps it: in one piece or in lines. */
function joined(text: unknown, glue = ''): string {
  return Array.isArray(text) ? text.join(glue) : typeof text === 'string' ? text : '';
}
