/**
 * What became of a request. `wrong`: a 200 that the check refused, or bytes that are no answer. `lost`: its connection
 * ended first. `unconnected`: no connection could be made for it. `timeout`: nothing came in time.
 */
export const OUTCOMES = [
  'ok',
  '429',
  '503',
  '504',
  'other',
  'wrong',
  'lost',
  'unconnected',
  'timeout',
] as const;

export type Outcome = (typeof OUTCOMES)[number];

export type Outcomes = Readonly<Record<Outcome, number>>;

/** How an answer with this status counts before its value is looked at. */
export function outcomeOf(status: number): Outcome {
  if (status === 200) return 'ok';
  return status === 429 ? '429' : status === 503 ? '503' : status === 504 ? '504' : 'other';
}

/** Answered, but told to come later or too late: what an overloaded server should say. */
export const isRefusal = (outcome: Outcome): boolean =>
  outcome === '429' || outcome === '503' || outcome === '504';

export function noOutcomes(): Record<Outcome, number> {
  return { ok: 0, 429: 0, 503: 0, 504: 0, other: 0, wrong: 0, lost: 0, unconnected: 0, timeout: 0 };
}
