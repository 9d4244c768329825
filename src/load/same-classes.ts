import { countFramed, frameLength } from '../protocol/bytes-framing.ts';

/** Rounding in another batch reaches the digits that a class's score is written with. */
const TOLERANCE = 1e-3;
const CLASS = /^(-?[\d.]+(?:e[+-]?\d+)?):(\d+(?::.*)?)$/is;

/** Whether two BYTES tensors of the protocol's classification, `score:index[:label]`, name the same classes in the same order. */
export function areSameClasses(one: Uint8Array, other: Uint8Array): boolean {
  const [before, now] = [texts(one), texts(other)];
  return before.length === now.length && before.every((text, i) => isSameClass(text, now[i] ?? ''));
}

function isSameClass(before: string, now: string): boolean {
  if (before === now) return true;
  const [, scoreBefore, classBefore] = CLASS.exec(before) ?? [];
  const [, scoreNow, classNow] = CLASS.exec(now) ?? [];
  if (classBefore === undefined || classBefore !== classNow) return false;
  const [a, b] = [Number(scoreBefore), Number(scoreNow)];
  return Math.abs(a - b) <= TOLERANCE * (1 + Math.max(Math.abs(a), Math.abs(b)));
}

function texts(data: Uint8Array): string[] {
  if (countFramed(data) < 0) return [];
  const found: string[] = [];
  for (let at = 0; at < data.length; ) {
    const from = at + 4;
    at = from + frameLength(data, at);
    found.push(Buffer.from(data.subarray(from, at)).toString('utf8'));
  }
  return found;
}
