/**
 * A kept result as bytes that other processes read: a mark and a version, a checksum over the key and what follows, when
 * it was stored, and its tensors. Whatever is not exactly that is refused: others may write there too. Pure.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { ELEMENT_BYTES, elementCount, isDatatype, type Tensor } from '../tensor.ts';
import type { ContentKey } from './content-key.ts';
import type { StoredResult } from './stored-result.ts';

/** Raised with the layout: older values are not read. */
const MARK = Buffer.from('HGR1');
const SUM_BYTES = 32;
const HEAD_BYTES = MARK.length + SUM_BYTES;
const MAX_OUTPUTS = 4096;
const MAX_RANK = 32;

export function encodeShared(key: ContentKey, { outputs, storedAt }: StoredResult): Buffer {
  const about = outputs.map(({ name, datatype, shape, data }) => [name, datatype, shape, data.byteLength]);
  const json = Buffer.from(JSON.stringify([storedAt, about]));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  const body = [length, json, ...outputs.map(({ data }) => data)];
  return Buffer.concat([MARK, checksum(key, body), ...body]);
}

/** Undefined for anything that `encodeShared` did not write for this very key. */
export function decodeShared(key: ContentKey, value: Buffer): StoredResult | undefined {
  if (value.length < HEAD_BYTES + 4 || !value.subarray(0, MARK.length).equals(MARK)) return undefined;
  const body = value.subarray(HEAD_BYTES);
  if (!timingSafeEqual(value.subarray(MARK.length, HEAD_BYTES), checksum(key, [body]))) return undefined;
  const tensorsAt = 4 + body.readUInt32LE(0);
  if (tensorsAt > body.length) return undefined;
  return readResult(body.toString('utf8', 4, tensorsAt), body.subarray(tensorsAt));
}

function readResult(json: string, bytes: Buffer): StoredResult | undefined {
  const parsed = parse(json);
  if (!Array.isArray(parsed) || parsed.length !== 2) return undefined;
  const [storedAt, about] = parsed as [unknown, unknown];
  if (typeof storedAt !== 'number' || !Array.isArray(about) || about.length > MAX_OUTPUTS) return undefined;
  const outputs: Tensor[] = [];
  let at = 0;
  for (const each of about) {
    const output = readOutput(each, bytes, at);
    if (output === undefined) return undefined;
    outputs.push(output);
    at += output.data.byteLength;
  }
  return at === bytes.length ? { outputs, storedAt } : undefined;
}

function readOutput(about: unknown, bytes: Buffer, at: number): Tensor | undefined {
  if (!Array.isArray(about) || about.length !== 4) return undefined;
  const [name, datatype, shape, length] = about as [unknown, unknown, unknown, unknown];
  if (typeof name !== 'string' || typeof datatype !== 'string' || !isDatatype(datatype)) return undefined;
  if (!isShape(shape) || !isSize(length) || at + length > bytes.length) return undefined;
  if (datatype !== 'BYTES' && elementCount(shape) * ELEMENT_BYTES[datatype] !== length) return undefined;
  // Memory of its own: a view would keep the whole of what was read.
  return { name, datatype, shape, data: new Uint8Array(bytes.subarray(at, at + length)) };
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isShape = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length <= MAX_RANK && value.every(isSize);

function checksum(key: ContentKey, body: readonly Uint8Array[]): Buffer {
  const sha = createHash('sha256').update(key, 'latin1');
  for (const part of body) sha.update(part);
  return sha.digest();
}
