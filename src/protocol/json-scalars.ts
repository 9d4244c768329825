/** JSON's values that hold no others, read at a cursor that stands on their first byte. */
import { BACKSLASH, isDigit, MINUS, QUOTE } from './json-bytes.ts';
import type { JsonCursor } from './json-cursor.ts';
import { scanNumber } from './json-number.ts';

const ONE = new Float64Array(1);

export const beginsNumber = (byte: number): boolean => byte === MINUS || isDigit(byte);
export const beginsBoolean = (byte: number): boolean => byte === 0x74 || byte === 0x66;

export function readString(cursor: JsonCursor): string {
  const { bytes } = cursor;
  const start = cursor.at + 1;
  let escaped = false;
  let at = start;
  for (; ; at++) {
    const byte = at < bytes.length ? (bytes[at] as number) : 0;
    if (byte === QUOTE) break;
    if (byte < 0x20) {
      cursor.at = at;
      cursor.failSyntax('the end of a string');
    }
    if (byte === BACKSLASH) {
      escaped = true;
      at++;
    }
  }
  cursor.at = at + 1;
  return escaped ? unescaped(cursor, start - 1, at + 1) : cursor.text.slice(start, at);
}

function unescaped(cursor: JsonCursor, start: number, end: number): string {
  const text = cursor.text.unescape(start, end);
  if (text !== undefined) return text;
  cursor.at = start;
  return cursor.failSyntax('a string with valid escapes');
}

/** As `Number()` would; ±Infinity where it is beyond a double. */
export function readNumber(cursor: JsonCursor): number {
  const start = cursor.at;
  const end = scanNumber(cursor.bytes, start, ONE, 0, false);
  if (end < 0) {
    cursor.at = -1 - end;
    cursor.failSyntax('a number as JSON writes it');
  }
  cursor.at = end;
  const value = ONE[0] as number;
  return Number.isNaN(value) ? Number(cursor.text.slice(start, end)) : value;
}

export function readBoolean(cursor: JsonCursor): boolean {
  const value = cursor.bytes[cursor.at] === 0x74;
  passLiteral(cursor, value ? 'true' : 'false');
  return value;
}

/** `word` is `true`, `false` or `null`. */
export function passLiteral(cursor: JsonCursor, word: string): void {
  for (let i = 0; i < word.length; i++)
    if (cursor.bytes[cursor.at + i] !== word.charCodeAt(i)) cursor.failSyntax('a value');
  cursor.at += word.length;
}
