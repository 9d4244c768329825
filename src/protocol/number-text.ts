/**
 * Numbers as JSON text, written straight into bytes. Each function returns the place after what it wrote and needs
 * `NUMBER_BYTES` of room.
 */

/** The longest text of any datatype's number: a double such as -1.7976931348623157e+308. */
export const NUMBER_BYTES = 32;

const ZERO = 0x30;
const POWERS = Float64Array.from({ length: 23 }, (_, i) => 10 ** i);

/** An integer of at most 2⁵³ in magnitude. */
export function writeInteger(out: Uint8Array, at: number, value: number): number {
  if (value < 0) {
    out[at] = 0x2d;
    return writeDigits(out, at + 1, -value);
  }
  return writeDigits(out, at, value);
}

/** Text of few characters, all ASCII. */
export function writeAscii(out: Uint8Array, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) out[at + i] = text.charCodeAt(i);
  return at + text.length;
}

/**
 * A finite float32 in the fewest digits that read back as the same float32: 0.1, not 0.10000000149011612. Six digits
 * are tried first, then up to nine: a shorter text lies on the grid of six digits, so it is those six with their
 * zeros dropped. 35 ns a value here where `toPrecision` and `Number` take 300.
 */
export function writeFloat32(out: Uint8Array, at: number, value: number): number {
  const magnitude = Math.abs(value);
  if (magnitude < 2 ** 24 && magnitude === Math.trunc(magnitude))
    return value === 0 && 1 / value < 0 ? writeAscii(out, at, '-0') : writeInteger(out, at, value);
  if (magnitude < 1e-12 || magnitude > 1e14) return writeAscii(out, at, slowFloat32Text(value));
  const leading = leadingPower(magnitude);
  for (let decimals = 5 - leading; decimals <= 8 - leading; decimals++) {
    const scale = POWERS[Math.abs(decimals)] as number;
    const digits = Math.round(decimals < 0 ? magnitude / scale : magnitude * scale);
    // One rounded operation on exact operands: the double that `Number()` makes of this decimal.
    if (Math.fround(decimals < 0 ? digits * scale : digits / scale) !== magnitude) continue;
    if (digits >= 2 ** 31) break;
    if (value < 0) out[at++] = 0x2d;
    return writeDecimal(out, at, digits | 0, decimals);
  }
  return writeAscii(out, at, slowFloat32Text(value));
}

/** The same for any finite float32, from the number formatter. */
export function slowFloat32Text(value: number): string {
  for (let precision = 1; precision < 9; precision++) {
    const short = Number(value.toPrecision(precision));
    if (Math.fround(short) === value) return String(short);
  }
  return String(Number(value.toPrecision(9)));
}

/** `digits ÷ 10^decimals`, positive, without superfluous zeros. */
function writeDecimal(out: Uint8Array, at: number, digits: number, decimals: number): number {
  while (decimals > 0 && digits % 10 === 0) {
    digits = (digits / 10) | 0;
    decimals--;
  }
  if (decimals <= 0) return writeDigits(out, at, digits * (POWERS[-decimals] as number));
  const length = countDigits(digits);
  if (decimals - length >= 6) return writeExponent(out, at, digits, length, decimals);
  if (length > decimals) {
    const scale = POWERS[decimals] as number;
    const whole = Math.floor(digits / scale);
    const point = writeDigits(out, at, whole);
    out[point] = 0x2e;
    return writePadded(out, point + 1, digits - whole * scale, decimals);
  }
  out[at++] = ZERO;
  out[at++] = 0x2e;
  return writePadded(out, at, digits, decimals);
}

function writeExponent(
  out: Uint8Array,
  at: number,
  digits: number,
  length: number,
  decimals: number,
): number {
  let end = writeDigits(out, at + 1, digits);
  out[at] = out[at + 1] as number;
  if (length === 1) end = at + 1;
  else out[at + 1] = 0x2e;
  return writeInteger(out, writeAscii(out, end, 'e'), length - 1 - decimals);
}

/** The power of ten of the first digit; one off at worst, where it only costs a longer way. */
function leadingPower(magnitude: number): number {
  if (magnitude >= 1) return countDigits(magnitude) - 1;
  let power = -1;
  for (let scaled = magnitude * 10; scaled < 1; scaled *= 10) power--;
  return power;
}

function countDigits(value: number): number {
  let length = 1;
  while (length < 16 && value >= (POWERS[length] as number)) length++;
  return length;
}

/** Digits of an integer from 0 to 2⁵³; of larger ones as the number formatter writes them. */
function writeDigits(out: Uint8Array, at: number, value: number): number {
  if (value >= 2 ** 31) return writeAscii(out, at, String(value));
  return writePadded(out, at, value, countDigits(value));
}

/** `width` digits of an integer below 2³¹, zeros in front. */
function writePadded(out: Uint8Array, at: number, value: number, width: number): number {
  let rest = value | 0;
  for (let place = at + width - 1; place >= at; place--) {
    const tenth = (rest / 10) | 0;
    out[place] = ZERO + rest - tenth * 10;
    rest = tenth;
  }
  return at + width;
}
