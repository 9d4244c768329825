/** The bytes that JSON's grammar is made of. */
export const QUOTE = 0x22;
export const COMMA = 0x2c;
export const MINUS = 0x2d;
export const COLON = 0x3a;
export const OPEN_ARRAY = 0x5b;
export const BACKSLASH = 0x5c;
export const CLOSE_ARRAY = 0x5d;
export const LOWER_N = 0x6e;
export const OPEN_OBJECT = 0x7b;
export const CLOSE_OBJECT = 0x7d;

export const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;
export const isSpace = (byte: number): boolean =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/** What kind of value begins with this byte, in words for an error; undefined: none does. */
export function kindOfValue(byte: number): string | undefined {
  if (byte === QUOTE) return 'a string';
  if (byte === OPEN_ARRAY) return 'an array';
  if (byte === OPEN_OBJECT) return 'an object';
  if (byte === LOWER_N) return 'null';
  if (byte === 0x74 || byte === 0x66) return 'a boolean';
  return byte === MINUS || isDigit(byte) ? 'a number' : undefined;
}
