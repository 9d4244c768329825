/** Arrivals drawn from a fixed seed. */
import { uniform } from '../../test/support/random.ts';
import type { Arrival } from './queue.ts';

/** Poisson arrivals of one row each, from 0 ms on. */
export function poisson(perMs: number, count: number, seed: number): Arrival[] {
  const random = uniform(seed);
  let at = 0;
  return Array.from({ length: count }, () => {
    at -= Math.log(1 - random()) / perMs;
    return { at, rows: 1 };
  });
}
