/** The `q`-quantile of ascending values, 0 ≤ q ≤ 1: the smallest value that at least that share does not exceed; NaN of none. */
export function quantile(ascending: ArrayLike<number>, q: number): number {
  const index = Math.ceil(q * ascending.length) - 1;
  return ascending[Math.max(0, index)] ?? Number.NaN;
}
