import { uniform } from '../../test/support/random.ts';

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** The value below which a share `q` of them lies. */
export function quantile(values: ArrayLike<number>, q: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

/** The interval that holds 95 % of the medians of 2,000 resamples, drawn with a fixed seed. */
export function bootstrapInterval(values: readonly number[]): readonly [number, number] {
  const random = uniform(1);
  const pick = () => values[Math.floor(random() * values.length)] as number;
  const medians = Array.from({ length: 2000 }, () => median(values.map(pick))).sort((a, b) => a - b);
  return [medians[50] as number, medians[1949] as number];
}
