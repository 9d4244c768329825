/** Whether memory stays: what a run holds towards its end against what it held once it was warm. Pure. */

const MIB = 1024 * 1024;
/** Allocators and learned tables settle; what a million cases leave behind is far beyond it when it is per case. */
const ALLOWED_BYTES = 96 * MIB;
const ALLOWED_SHARE = 0.3;
const LEAST_SAMPLES = 16;

/** Samples in order; undefined: no growth to speak of, or too few to tell. */
export function growthOf(
  samples: readonly number[],
): { readonly from: number; readonly to: number } | undefined {
  if (samples.length < LEAST_SAMPLES) return undefined;
  const quarter = Math.floor(samples.length / 4);
  const from = middle(samples.slice(quarter, 2 * quarter));
  const to = middle(samples.slice(-quarter));
  return to - from > ALLOWED_BYTES + from * ALLOWED_SHARE ? { from, to } : undefined;
}

function middle(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
