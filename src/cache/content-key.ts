/**
 * The key a result is stored under: SHA-256 over the version's scope, the form of the request and, input by input in
 * the signature's order, the length and bytes of the unit. Every part is framed by its length, so different questions
 * never are the same text. Names and datatypes of inputs are the scope's: requests are checked against its signature.
 */
import { createHash, hash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { byteLengthOfUnit, bytesOfUnit, type RequestUnits } from './request-units.ts';

/** Hashed in one call out of one buffer; above, piece by piece. */
const SMALL_BYTES = 16 * 1024;
/** After so many the event loop goes on first: SHA-256 takes 0.6 ms for them. */
const STRETCH_BYTES = 512 * 1024;

const scratch = Buffer.allocUnsafe(SMALL_BYTES);

/** 32 characters, one for each byte of the hash. */
export type ContentKey = string;

/** What answers: results of equal scopes may stand for each other, in any process. */
export interface ScopeParts {
  readonly model: string;
  readonly version: string;
  /** Of the model file and of its external data. */
  readonly contentSha256: readonly string[];
  /** What may change the last bits: providers and precisions of the instances, how rows are put together. */
  readonly numericClass: readonly string[];
}

export function scopeOf({ model, version, contentSha256, numericClass }: ScopeParts): Buffer {
  const text = JSON.stringify(['headgate-result-1', model, version, contentSha256, numericClass]);
  return createHash('sha256').update(text).digest();
}

/** Are all its units hashed in about a millisecond? */
export function isQuick({ inputs }: RequestUnits): boolean {
  let bytes = 0;
  for (const { data } of inputs) bytes += data.length;
  return bytes <= STRETCH_BYTES;
}

export function contentKeyOf(scope: Buffer, units: RequestUnits, unit: number): ContentKey {
  let at = beginScratch(scope, units.form);
  if (at + unitBytes(units, unit) > SMALL_BYTES) {
    const sha = begun(scope, units);
    for (const piece of piecesOf(units, unit)) sha.update(piece);
    return sha.digest('latin1');
  }
  for (let input = 0; input < units.inputs.length; input++) {
    const data = bytesOfUnit(units, input, unit);
    at = scratch.writeDoubleLE(data.length, at);
    scratch.set(data, at);
    at += data.length;
  }
  return hash('sha256', scratch.subarray(0, at), 'latin1');
}

/** What `scratch` begins with: mostly the last one's again, and writing it takes 0.3 µs. */
let head: { readonly scope: Buffer; readonly form: string; readonly bytes: number } | undefined;

/** Scope and form; where the units' bytes follow. Past the end of `scratch` where they don't fit. */
function beginScratch(scope: Buffer, form: string): number {
  if (head?.scope === scope && head.form === form) return head.bytes;
  const formBytes = Buffer.byteLength(form);
  const bytes = scope.length + 4 + formBytes;
  if (bytes > SMALL_BYTES) return bytes;
  scope.copy(scratch, 0);
  scratch.writeUInt32LE(formBytes, scope.length);
  scratch.write(form, scope.length + 4);
  head = { scope, form, bytes };
  return bytes;
}

/** Large inputs are hashed one after the other: each in its stretches, they would share turns of the event loop. */
let lastInLine: Promise<unknown> = Promise.resolve();

/**
 * The key of each unit that `wanted` names, in stretches between which the event loop goes on. `spent` is told how long
 * they took together, ms.
 */
export function contentKeysInStretches(
  scope: Buffer,
  units: RequestUnits,
  wanted: readonly number[],
  spent: (ms: number) => void = () => {},
): Promise<ContentKey[]> {
  const keys = lastInLine.then(() => keysInStretches(scope, units, wanted, spent));
  lastInLine = keys.catch(() => {});
  return keys;
}

async function keysInStretches(
  scope: Buffer,
  units: RequestUnits,
  wanted: readonly number[],
  spent: (ms: number) => void,
): Promise<ContentKey[]> {
  const keys: ContentKey[] = [];
  let hashed = 0;
  let busyMs = 0;
  let since = performance.now();
  for (const unit of wanted) {
    const sha = begun(scope, units);
    for (const piece of piecesOf(units, unit)) {
      sha.update(piece);
      hashed += piece.length;
      if (hashed < STRETCH_BYTES) continue;
      hashed = 0;
      busyMs += performance.now() - since;
      await setImmediate();
      since = performance.now();
    }
    keys.push(sha.digest('latin1'));
  }
  spent(busyMs + performance.now() - since);
  // The next in line has a turn of its own.
  await setImmediate();
  return keys;
}

function begun(scope: Buffer, { form }: RequestUnits) {
  const bytes = Buffer.from(form);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return createHash('sha256').update(scope).update(length).update(bytes);
}

/** Of each input its length and its bytes, in pieces of a stretch at most. */
function* piecesOf(units: RequestUnits, unit: number): Generator<Uint8Array> {
  for (let input = 0; input < units.inputs.length; input++) {
    const data = bytesOfUnit(units, input, unit);
    const length = Buffer.alloc(8);
    length.writeDoubleLE(data.length);
    yield length;
    for (let at = 0; at < data.length; at += STRETCH_BYTES) yield data.subarray(at, at + STRETCH_BYTES);
  }
}

/** Of its inputs, each with its length. */
function unitBytes(units: RequestUnits, unit: number): number {
  let bytes = 8 * units.inputs.length;
  for (let input = 0; input < units.inputs.length; input++) bytes += byteLengthOfUnit(units, input, unit);
  return bytes;
}
