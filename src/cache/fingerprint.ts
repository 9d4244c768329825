/** 32 bits that equal units share and others mostly do not: where to look, never what to believe. */
import { rowOffset } from '../row-bounds.ts';
import type { Tensor } from '../tensor.ts';
import type { RequestUnits } from './request-units.ts';

/** An input of so many words is read whole: a text's few tokens may lie anywhere in it. */
const WHOLE_WORDS = 64;
/**
 * Of a larger one so many are read: each is a wait for memory. Of 2,000 digits of 784 floats 8 words tell 1,096 apart,
 * 16 1,822, 24 1,975, 32 1,986.
 */
const MOST_WORDS = 24;
/** The golden ratio's bits, as multiplicative hashing has them (Knuth, TAOCP 6.4). */
const MULTIPLIER = 0x9e3779b1;

/** Computed once for each unit. */
export function fingerprintOf(units: RequestUnits, unit: number): number {
  units.fingerprints ??= [];
  units.fingerprints[unit] ??= mixed(units, unit);
  return units.fingerprints[unit];
}

/**
 * Of the bytes alone: units of other forms seldom have the same. And without views of them: one of each row would take
 * as long as reading a few of its words.
 */
function mixed({ inference, bounds }: RequestUnits, unit: number): number {
  const { inputs } = inference;
  let hash = 0;
  for (let input = 0; input < inputs.length; input++) {
    const { data } = inputs[input] as Tensor;
    const rows = bounds?.[input];
    const from = rows === undefined ? 0 : rowOffset(rows, unit);
    const to = rows === undefined ? data.length : rowOffset(rows, unit + 1);
    hash = mix(hash, data, from, to);
  }
  return finished(hash);
}

function mix(seed: number, bytes: Uint8Array, from: number, to: number): number {
  const length = to - from;
  let hash = Math.imul(seed ^ length, MULTIPLIER);
  // Words apart by an odd number of them: images have rows of even lengths.
  const words = length >> 2;
  const step = words <= WHOLE_WORDS ? 4 : 4 * (Math.ceil(words / MOST_WORDS) | 1);
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

/** Every bit of the result depends on every bit of `hash` (the finalizer of MurmurHash3). */
function finished(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
