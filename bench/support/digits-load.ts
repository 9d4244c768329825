/** The held-out digits as a load on the digits model, drawn by Zipf's law, every answer checked. */
import { fileURLToPath } from 'node:url';
import { LRUCache } from 'lru-cache';
import { imagesOf, PIXELS, readHeldOut } from '../../models/digits/heldout.ts';
import { uniform } from '../../test/support/random.ts';
import { isExpected } from './is-expected.ts';
import { inferPath, inferRequest, readAnswer } from './oip.ts';
import { RawOrt } from './raw-ort.ts';
import type { Saturation } from './saturate.ts';
import { zipf } from './zipf.ts';

export const DIGITS_FILE = fileURLToPath(new URL('../../models/digits/2/model.onnx', import.meta.url));
/** More than are kept when they come round. */
const REQUESTS = 16_000;
const CONNECTIONS = 64;

export interface Digits {
  readonly rows: readonly Float32Array[];
  /** What the bare engine says to each. */
  readonly expected: readonly Float32Array[];
}

export async function readDigits(): Promise<Digits> {
  const digits = readHeldOut();
  const rows = Array.from({ length: digits.count }, (_, i) => imagesOf(digits, i, i + 1));
  const model = { file: DIGITS_FILE, input: 'image', output: 'probabilities', rowShape: [PIXELS], rows };
  await using ort = await RawOrt.start(model);
  return { rows, expected: await ort.answers() };
}

/** Requests of so many digits each. */
export function digitsLoad({ rows, expected }: Digits, perRequest: number, exponent: number, seed: number) {
  const drawn = zipf(exponent, rows.length, REQUESTS * perRequest, uniform(seed));
  const asked = Array.from({ length: REQUESTS }, (_, i) => drawn.slice(i * perRequest, (i + 1) * perRequest));
  const requests = asked.map(group => {
    const values = new Float32Array(perRequest * PIXELS);
    for (const [i, digit] of group.entries()) values.set(rows[digit] as Float32Array, i * PIXELS);
    const input = { name: 'image', shape: [perRequest, PIXELS], values };
    return inferRequest(inferPath('digits'), [input], 'binary');
  });
  const wanted = asked.map(group => Float32Array.from(group.flatMap(digit => [...(expected[digit] ?? [])])));
  const check: Saturation['check'] = (reply, index) => {
    const headers = new Map([[LENGTH, reply.header(LENGTH) ?? '']]);
    const found = readAnswer({ status: reply.status, headers, body: reply.body }).get('probabilities') ?? [];
    if (!isExpected(found, wanted[index] as Float32Array)) throw new Error('a wrong digit');
  };
  return { asked, requests, connections: CONNECTIONS, check };
}

/** What an LRU cache of so many results finds of these requests, the second time they come: by row, or only whole ones. */
export function lruShare(asked: readonly (readonly number[])[], room: number, byRow: boolean): number {
  const kept = new LRUCache<string, true>({ max: room });
  let found = 0;
  let rows = 0;
  for (const round of [0, 1]) {
    for (const group of asked) {
      for (const unit of byRow ? group.map(String) : [group.join()]) {
        if (round === 1) rows++;
        if (kept.get(unit) === undefined) kept.set(unit, true);
        else if (round === 1) found++;
      }
    }
  }
  return found / rows;
}

const LENGTH = 'inference-header-content-length';
