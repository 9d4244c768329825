/** Lengths that may share a queue: eight buckets to a doubling, so that within one at most an eighth is padding. */

const PER_OCTAVE_LOG2 = 3;

/** The smallest multiple of `multipleOf` that is at least `length`. */
export function roundUp(length: number, multipleOf: number): number {
  return Math.ceil(length / multipleOf) * multipleOf;
}

/**
 * The bucket's largest length: a multiple of `multipleOf`, at least `length` and, above eight multiples, less than
 * an eighth more. There are at most 232 buckets below 2³¹, however many lengths come.
 */
export function bucketOf(length: number, multipleOf: number): number {
  const multiples = Math.ceil(length / multipleOf);
  if (multiples <= 1 << PER_OCTAVE_LOG2) return multiples * multipleOf;
  const step = 2 ** (Math.ceil(Math.log2(multiples)) - 1 - PER_OCTAVE_LOG2);
  return Math.ceil(multiples / step) * step * multipleOf;
}
