/** Powers of ten as the nearest doubles; exact up to 10²². */
const POWERS = Float64Array.from({ length: 61 }, (_, i) => Number(`1e${i}`));
const EXACT_MANTISSA = 2 ** 53;
const EXACT_POWER = 22;
const MARGIN = 2 ** -49;

/**
 * `mantissa × 10^exponent` as the nearest double, or NaN where arithmetic cannot prove the result and the digits
 * must be read by `Number()`. Digits and power both exact in a double give one correctly rounded operation.
 *
 * With `single` the double need only round to the right float32: a result whose error bound lies on one side of
 * every float32 midpoint does. Clients print float32 values with the 17 digits of a double, and this reads those in
 * 30 ns each where `Number(slice)` takes 160.
 */
export function decimalToDouble(mantissa: number, exponent: number, single: boolean): number {
  const power = exponent < 0 ? -exponent : exponent;
  if (mantissa <= EXACT_MANTISSA && power <= EXACT_POWER) {
    const scale = POWERS[power] as number;
    return exponent < 0 ? mantissa / scale : mantissa * scale;
  }
  if (!single || mantissa > 1e19 || power > 60) return Number.NaN;
  const scale = POWERS[power] as number;
  const near = exponent < 0 ? mantissa / scale : mantissa * scale;
  if (near < 1e-30 || near > 1e30) return Number.NaN;
  return Math.fround(near * (1 - MARGIN)) === Math.fround(near * (1 + MARGIN)) ? near : Number.NaN;
}
