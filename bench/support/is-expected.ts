/** How far an answer may be from the expected one: batches of other sizes add in another order. */
const TOLERANCE = 1e-4;

/** Is this the answer to the row? Element by element, within 10⁻⁴ absolute or relative. */
export function isExpected(found: ArrayLike<number | bigint>, expected: Float32Array): boolean {
  if (found.length !== expected.length) return false;
  for (let i = 0; i < expected.length; i++) {
    const wanted = expected[i] as number;
    // Written so that NaN is a difference.
    if (!(Math.abs(Number(found[i]) - wanted) <= TOLERANCE * Math.max(1, Math.abs(wanted)))) return false;
  }
  return true;
}
