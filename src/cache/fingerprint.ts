/** 32 bits that equal units share and others mostly do not: where to look, never what to believe. */
import { bytesOfUnit, type RequestUnits } from './request-units.ts';

/** Of each input at most so many words are read. */
const MOST_WORDS = 128;
/** The golden ratio's bits, as multiplicative hashing has them (Knuth, TAOCP 6.4). */
const MULTIPLIER = 0x9e3779b1;

export function fingerprintOf(units: RequestUnits, unit: number): number {
  let hash = textHash(units.form);
  for (let input = 0; input < units.inputs.length; input++) hash = mix(hash, bytesOfUnit(units, input, unit));
  return hash;
}

function mix(seed: number, bytes: Uint8Array): number {
  const { length } = bytes;
  let hash = Math.imul(seed ^ length, MULTIPLIER);
  // Words apart by an odd number of them: images have rows of even lengths.
  const words = length >> 2;
  const step = words <= MOST_WORDS ? 4 : 4 * (Math.ceil(words / MOST_WORDS) | 1);
  let at = 0;
  for (; at + 4 <= length; at += step) hash = mixWord(hash, wordAt(bytes, at));
  for (at = Math.max(0, length - 4); at < length; at++) hash = mixWord(hash, bytes[at] as number);
  return hash;
}

function mixWord(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, MULTIPLIER);
  return mixed ^ (mixed >>> 15);
}

/** Little-endian, at any offset. */
function wordAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}

function textHash(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = mixWord(hash, text.charCodeAt(i));
  return hash;
}
