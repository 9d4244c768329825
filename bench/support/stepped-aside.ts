/** What a cache that has stepped aside adds to a request, inside this process: nothing else is in the time. */

import { Answers } from '../../src/cache/answers.ts';
import { scopeOf } from '../../src/cache/content-key.ts';
import { Keeper } from '../../src/cache/keeper.ts';
import { unitsOf } from '../../src/cache/request-units.ts';
import { ResultStore } from '../../src/cache/result-store.ts';
import type { Inference, SharedSubmission } from '../../src/inference.ts';
import { Pressure } from '../../src/pressure.ts';
import { median } from './median.ts';

const FLOATS = 16;
const REQUESTS = 65_536;
const FIRST = 8192;
const outputs = [
  { name: 'y', datatype: 'FP32' as const, shape: [1, FLOATS], data: new Uint8Array(4 * FLOATS) },
];
const timing = { queueMs: 0, inferMs: 0.001, batchRows: 1 };
const answered: SharedSubmission = {
  result: Promise.resolve({ outputs, timing }),
  cancel: () => {},
  reschedule: () => {},
};

function answersInFront(compute: () => SharedSubmission): Answers {
  const signature = {
    inputs: [{ name: 'x', datatype: 'FP32' as const, shape: [-1, FLOATS] }],
    outputs: [{ name: 'y', datatype: 'FP32' as const, shape: [-1, FLOATS] }],
  };
  const scope = scopeOf({ model: 'm', version: '1', contentSha256: [], numericClass: [] });
  const shelf = new ResultStore({ maxBytes: 1e8, maxModelShare: 1 }).claim({
    model: 'm',
    version: '1',
    scope,
  });
  const isAnswer = () => true;
  const lifetimes = { ttlMs: 600_000, staleWhileRevalidateMs: 0, staleIfErrorMs: 0 };
  return new Answers({
    outputs: ['y'],
    split: unitsOf(signature, true),
    coalesces: true,
    keeper: new Keeper({
      ...{ shelf, secondLevel: undefined, isAnswer, pressure: new Pressure(), ...lifetimes },
    }),
    compute,
    aside: compute,
    timeoutMs: 1000,
    lowestPriority: 1,
    now: () => performance.now(),
  });
}

/** µs a request, the median of `rounds` over 65,536 rows of 16 floats of which none comes twice. */
export async function addedWhenAside(rounds: number): Promise<number> {
  const floats = new Float32Array(FLOATS * REQUESTS);
  const requests = Array.from({ length: REQUESTS }, (_, i): Inference => {
    const data = new Uint8Array(floats.buffer, 4 * FLOATS * i, 4 * FLOATS);
    const inputs = [{ name: 'x', datatype: 'FP32' as const, shape: [1, FLOATS], data }];
    return { inputs, outputs: undefined, rows: 1, deadline: Number.MAX_VALUE, priority: 1 };
  });
  const renew = () => {
    for (let i = 0; i < floats.length; i++) floats[i] = Math.random();
  };
  const compute = () => answered;
  const answers = answersInFront(compute);
  renew();
  for (const request of requests.slice(0, FIRST)) await answers.submit(request).result;
  if (answers.mode !== 'aside') throw new Error('it does not step aside');
  const added: number[] = [];
  for (let round = 0; round < rounds; round++) {
    renew();
    const began = performance.now();
    for (const request of requests) answers.submit(request);
    const between = performance.now();
    for (const _request of requests) compute();
    added.push(((between - began - (performance.now() - between)) * 1000) / REQUESTS);
  }
  return median(added);
}
