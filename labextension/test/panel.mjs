const ERROR = {
  output_type: 'error',
  ename: 'KeyError',
  evalue: "'b'",
  traceback: ["KeyError: 'b'"]
};

const CELL = {
  type: 'code',
  executionCount: 1,
  outputs: { length: 1, get: () => ({ toJSON: () => ERROR }) },
  sharedModel: { getSource: () => "df['b']" }
};

/** A notebook with one cell, which has failed; no kernel runs. */
export const failing = () => ({
  content: { activeCellIndex: 0, model: { cells: { length: 1, get: () => CELL } } },
  sessionContext: { session: null }
});
