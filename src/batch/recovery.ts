/**
 * What becomes of a batch that failed: the decision alone, without state or time.
 *
 * A model that fails on one input fails its whole run, so a failed batch is halved until the culprit stands alone:
 * with one culprit of b that is at most 2·⌈log₂ b⌉ more runs. A run that took its worker down may do so again, and take
 * the rows of others with it, so its rows run again only apart, in a process where nothing else runs.
 */
import { blameFor, COUNTING } from '../blame.ts';
import type { GatewayError } from '../errors.ts';

/** Where rows run again. */
export type Where = 'anywhere' | 'apart';

export type Recovery =
  | { readonly kind: 'fail' }
  /** It stood alone when its worker went down, for the second time: nobody else can have done it. */
  | { readonly kind: 'condemn' }
  | { readonly kind: 'again'; readonly where: Where }
  | { readonly kind: 'halve'; readonly where: Where };

/** What happened to the rows of a batch before it failed now. */
export interface Past {
  /** Of the batch. */
  readonly requests: number;
  readonly where: Where;
  /** Workers that went down under all of these rows, this time's among them. */
  readonly deaths: number;
  /** Times they could not be run at all, this time among them. */
  readonly misses: number;
}

const MAX_MISSES = 3;
const DEATHS_TO_CONDEMN = 2;

export function recoveryOf(error: GatewayError, past: Past): Recovery {
  const { requests, where } = past;
  const halved: Recovery = requests > 1 ? { kind: 'halve', where } : { kind: 'fail' };
  // The worker lives, and what it answered may be odd for one of its inputs.
  if (error.code === 'internal') return halved;
  switch (COUNTING[blameFor(error.code)].retry) {
    case 'no':
      return { kind: 'fail' };
    case 'halved, to find the culprit':
      return halved;
    case 'elsewhere; apart when it may have been the cause':
      return ofLostWorker(error, past);
  }
}

function ofLostWorker({ notRun }: GatewayError, { requests, where, deaths, misses }: Past): Recovery {
  if (notRun) return misses < MAX_MISSES ? { kind: 'again', where } : { kind: 'fail' };
  if (requests > 1) return { kind: 'halve', where: 'apart' };
  return deaths < DEATHS_TO_CONDEMN ? { kind: 'again', where: 'apart' } : { kind: 'condemn' };
}
