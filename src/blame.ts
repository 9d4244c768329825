/**
 * Whose trouble a failure is, and what it counts for: the one table that breakers, retries and canary evidence read.
 * Ejection looks at how long runs take, not at failures; metrics count each code by itself. `docs/resilience.md` shows
 * the table; a test holds the two together.
 */
import type { ErrorCode } from './errors.ts';

/**
 * `client`: the request itself. `worker`: the process, the connection or the machine that ran it. `model`: the model
 * failed on this input. `overload`: more was asked than can be served now. `cancelled`: nobody wants it any more.
 * `deadline`: its time was over.
 */
export type Blame = 'client' | 'worker' | 'model' | 'overload' | 'cancelled' | 'deadline';

export const BLAME = {
  invalid: 'client',
  forbidden: 'client',
  'not-found': 'client',
  'method-not-allowed': 'client',
  'request-timeout': 'client',
  'too-large': 'client',
  'unsupported-encoding': 'client',
  'headers-too-large': 'client',
  'not-implemented': 'client',
  'not-cached': 'client',
  overloaded: 'overload',
  unavailable: 'overload',
  cancelled: 'cancelled',
  'model-failed': 'model',
  internal: 'worker',
  'worker-failed': 'worker',
  deadline: 'deadline',
} as const satisfies Record<ErrorCode, Blame>;

/** What one failed run counts for. */
export interface Counting {
  /** Against the breaker of the version on that worker. */
  readonly breaker: 'no' | 'each run' | 'distinct inputs, when none succeeds';
  /** May it be run again for its callers? */
  readonly retry: 'no' | 'halved, to find the culprit' | 'elsewhere; apart when it may have been the cause';
  /** As evidence against a canary. */
  readonly canary: 'no' | 'each run' | 'distinct inputs';
}

export const COUNTING = {
  client: { breaker: 'no', retry: 'no', canary: 'no' },
  worker: {
    breaker: 'each run',
    retry: 'elsewhere; apart when it may have been the cause',
    canary: 'each run',
  },
  model: {
    breaker: 'distinct inputs, when none succeeds',
    retry: 'halved, to find the culprit',
    canary: 'distinct inputs',
  },
  overload: { breaker: 'no', retry: 'no', canary: 'no' },
  cancelled: { breaker: 'no', retry: 'no', canary: 'no' },
  deadline: { breaker: 'no', retry: 'no', canary: 'no' },
} as const satisfies Record<Blame, Counting>;

export function blameFor(code: ErrorCode): Blame {
  return BLAME[code];
}
