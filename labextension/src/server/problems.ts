import type { IProblem } from './events';

/** A failure in the wire contract's own terms. */
export class TurnError extends Error {
  constructor(readonly problem: IProblem) {
    super(problem.message);
    this.name = 'TurnError';
  }
}

export const UNREACHED: IProblem = {
  type: 'connection_lost',
  message: 'Jupyter does not answer.',
  retryable: true,
  hint: 'What you wrote is kept. See that the Jupyter server is still running, then try again.'
};

export const CUT_OFF: IProblem = {
  type: 'connection_lost',
  message: 'Lost the connection before the answer was complete.',
  retryable: true,
  hint: 'What arrived is kept. Try again when Jupyter is back.'
};

/** The server has forgotten an answer that it was writing. */
export const GONE: IProblem = {
  type: 'not_found',
  message: 'This answer is no longer in the history, so its end is lost.',
  retryable: true,
  hint: 'What arrived is shown. Try again to ask anew.'
};

const NOT_THERE: IProblem = {
  type: 'not_found',
  message: 'Tether is not running in this Jupyter server.',
  retryable: true,
  hint: 'In a terminal, tether doctor says why. If it is not enabled: jupyter server extension enable tether_jupyter — then restart Jupyter.'
};

/** From a proxy before Jupyter: Tether gives its own reasons. */
const TOO_MANY: IProblem = {
  type: 'rate_limited',
  message: 'Too many requests at once. Wait a moment and try again.',
  retryable: true,
  hint: null
};

/** What a proxy says while there is no Jupyter behind it; JupyterHub's says 424. */
const NOBODY_THERE = [424, 502, 503, 504];

/** Any failure in the wire contract's terms. */
export function asTurnError(reason: unknown): TurnError {
  if (reason instanceof TurnError) {
    return reason;
  }
  console.error('Tether:', reason);
  return new TurnError({
    type: 'internal',
    message: 'Something went wrong in this page.',
    retryable: true,
    hint: "The browser's console says more."
  });
}

/** Why a request was not answered, from the status and the body of its response. */
export function refusal(response: Response, body: unknown): TurnError {
  const problem = (body as { error?: IProblem } | null)?.error;
  if (problem && typeof problem.message === 'string') {
    return new TurnError({ ...problem, hint: problem.hint ?? null });
  }
  if (NOBODY_THERE.includes(response.status)) {
    return new TurnError(UNREACHED);
  }
  if (response.status === 429) {
    const wait = Number(response.headers.get('Retry-After') ?? NaN);
    return new TurnError({ ...TOO_MANY, ...(Number.isFinite(wait) && { retry_after: wait }) });
  }
  if (response.status === 404) {
    return new TurnError(NOT_THERE);
  }
  if (response.status === 401 || response.status === 403) {
    return new TurnError({
      type: 'unauthorized',
      message: 'Jupyter no longer knows this browser.',
      retryable: true,
      hint: 'Reload the page and sign in again.'
    });
  }
  return new TurnError({
    type: 'internal',
    message: `The server answered with status ${response.status} and no reason.`,
    retryable: true,
    hint: 'The Jupyter log says more.'
  });
}
