/** 32 bits that equal units share and others mostly do not: where to look, never what to believe. */
import { rowOffset } from '../row-bounds.ts';
import type { Tensor } from '../tensor.ts';
import type { RequestUnits } from './request-units.ts';

/** Of each input at most so many words are read. */
const MOST_WORDS = 32;
/**
 * Of a unit that may be passed by: each word read of a large input is a wait for memory. With 4 of a digit's 784 most
 * digits were alike.
 */
const FEW_WORDS = 16;
/** The golden ratio's bits, as multiplicative hashing has them (Knuth, TAOCP 6.4). */
const MULTIPLIER = 0x9e3779b1;

/** Computed once for each unit. */
export function fingerprintOf(units: RequestUnits, unit: number): number {
  const known = units.fingerprints[unit];
  if (known !== undefined) return known;
  const hash = mixed(units, unit, MOST_WORDS);
  units.fingerprints[unit] = hash;
  return hash;
}

/** Is this one of every `among` contents, a power of two? Equal units always are, or never. */
export function isSampled(units: RequestUnits, unit: number, among: number): boolean {
  return (mixed(units, unit, FEW_WORDS) & (among - 1)) === 0;
}

/** Without views of the units: one of each row would take as long as reading a few of its words. */
function mixed({ form, inputs, bounds }: RequestUnits, unit: number, mostWords: number): number {
  let hash = textHash(form);
  for (let input = 0; input < inputs.length; input++) {
    const { data } = inputs[input] as Tensor;
    const rows = bounds?.[input];
    const from = rows === undefined ? 0 : rowOffset(rows, unit);
    const to = rows === undefined ? data.length : rowOffset(rows, unit + 1);
    hash = mix(hash, data, from, to, mostWords);
  }
  return hash;
}

function mix(seed: number, bytes: Uint8Array, from: number, to: number, mostWords: number): number {
  const length = to - from;
  let hash = Math.imul(seed ^ length, MULTIPLIER);
  // Words apart by an odd number of them: images have rows of even lengths.
  const words = length >> 2;
  const step = words <= mostWords ? 4 : 4 * (Math.ceil(words / mostWords) | 1);
  let at = from;
  for (; at + 4 <= to; at += step) hash = mixWord(hash, wordAt(bytes, at));
  for (at = Math.max(from, to - 4); at < to; at++) hash = mixWord(hash, bytes[at] as number);
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
