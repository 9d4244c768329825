/** Powers of ten as the nearest doubles; exact up to 10²². */
export const POWERS_OF_TEN = Float64Array.from({ length: 61 }, (_, i) => Number(`1e${i}`));
/** Digits that came to this may have been more, and rounded. */
const EXACT_MANTISSA = 2 ** 53;
const EXACT_POWER = 22;
const MARGIN = 2 ** -49;

/**
 * `mantissa × 10^exponent` as the nearest double, or NaN where arithmetic cannot prove the result and the digits
 * must be read by `Number()`. Digits and power both exact in a double give one correctly rounded operation.
 *
 * With `single` the double need only round to the right float32: a result whose error bound lies on one side of
 * every float32 midpoint does. Clients print float32 values with the 17 digits of a double, and this reads those in
 * 50 ns each where `Number(slice)` takes 150.
 */
export function decimalToDouble(mantissa: number, exponent: number, single: boolean): number {
  const power = exponent < 0 ? -exponent : exponent;
  if (mantissa < EXACT_MANTISSA && power <= EXACT_POWER) {
    if (power === 0) return mantissa;
    const scale = POWERS_OF_TEN[power] as number;
    return exponent < 0 ? mantissa / scale : mantissa * scale;
  }
  if (!single || mantissa > 1e19 || power > 60) return Number.NaN;
  const scale = POWERS_OF_TEN[power] as number;
  const near = exponent < 0 ? mantissa / scale : mantissa * scale;
  if (near < 1e-30 || near > 1e30) return Number.NaN;
  return Math.fround(near * (1 - MARGIN)) === Math.fround(near * (1 + MARGIN)) ? near : Number.NaN;
}

const POINT = 0x2e;
const MINUS = 0x2d;
const PLUS = 0x2b;
const ZERO = 0x30;
const NINE = 0x39;

/**
 * Reads the number at `start` into `out[place]` (NaN where its digits must be read by `Number()`) and returns the
 * place after it; where JSON would not write it so, the place of the offence as `−1 − place`.
 */
export function scanNumber(
  bytes: Uint8Array,
  start: number,
  out: Float64Array,
  place: number,
  single: boolean,
): number {
  let at = start;
  let byte = bytes[at] as number;
  const negative = byte === MINUS;
  if (negative) byte = bytes[++at] as number;
  const wholeAt = at;
  let mantissa = 0;
  for (; byte >= ZERO && byte <= NINE; byte = bytes[++at] as number) mantissa = mantissa * 10 + (byte - ZERO);
  if (at === wholeAt || (at > wholeAt + 1 && bytes[wholeAt] === ZERO)) return -1 - wholeAt;
  let exponent = 0;
  if (byte === POINT) {
    const fractionAt = ++at;
    for (byte = bytes[at] as number; byte >= ZERO && byte <= NINE; byte = bytes[++at] as number)
      mantissa = mantissa * 10 + (byte - ZERO);
    exponent = fractionAt - at;
    if (exponent === 0) return -1 - at;
  }
  if (byte === 0x65 || byte === 0x45) {
    byte = bytes[++at] as number;
    const sign = byte === MINUS ? -1 : 1;
    if (byte === MINUS || byte === PLUS) byte = bytes[++at] as number;
    const digitsAt = at;
    let power = 0;
    for (; byte >= ZERO && byte <= NINE; byte = bytes[++at] as number)
      power = Math.min(power * 10 + (byte - ZERO), 1e6);
    if (at === digitsAt) return -1 - at;
    exponent += sign * power;
  }
  const value = decimalToDouble(mantissa, exponent, single);
  out[place] = negative ? -value : value;
  return at;
}
