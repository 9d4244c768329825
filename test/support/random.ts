/** Seeded randomness: the same numbers on every machine. */

import { uniform } from '../../src/load/random.ts';

export { uniform };

/** Normal with mean 0 and variance 1: Box–Muller. */
export function gaussian(seed: number): () => number {
  const random = uniform(seed);
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** A new order of the same items: Fisher–Yates. */
export function shuffled<T>(items: readonly T[], seed: number): T[] {
  const random = uniform(seed);
  const order = [...items];
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j] as T, order[i] as T];
  }
  return order;
}
