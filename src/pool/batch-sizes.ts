/** The batch sizes a version will be run with, ascending: those allowed, or powers of two up to the maximum, and the maximum. */
export function batchSizes(maxBatchSize: number, allowed: readonly number[]): readonly number[] {
  if (maxBatchSize === 0) return [1];
  const sizes = new Set([maxBatchSize]);
  if (allowed.length > 0) {
    for (const size of allowed) if (size <= maxBatchSize) sizes.add(size);
  } else {
    for (let size = 1; size < maxBatchSize; size *= 2) sizes.add(size);
  }
  return [...sizes].sort((a, b) => a - b);
}
