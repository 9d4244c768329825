/**
 * The short form of the soak. In its seconds tables are still learned and caches filled, about 1 KB a request: it looks
 * for a leak of 8. That 1 KB is found in half an hour the figures' own tests say, and `npm run faults:soak -- --leak`.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { CrossTalkTally } from './cross-talk-tally.ts';
import { type SoakResult, soak } from './soak.ts';
import { keptPerRequest, soakRows } from './soak-figures.ts';
import type { Sample } from './soak-samples.ts';

const SHORT = {
  ...{
    minutes: 0.12,
    warmupMinutes: 0.03,
    sampleSeconds: 0.5,
    reloadSeconds: 3,
    clients: 16,
    pauseMs: 0,
    seed: 1,
  },
  progress: () => undefined,
};
const LEAK_BYTES = 8192;

const memory = /resident|heap|files|handles/;
const missed = (result: SoakResult): string[] =>
  soakRows(result).flatMap(({ figure, kept }) => (kept ? [] : [figure]));

test('of mixed requests beside reloads and clients that leave little stays', async () => {
  const result = await soak(SHORT);
  assert.ok(keptPerRequest(result) < LEAK_BYTES / 2, `${keptPerRequest(result)} bytes a request`);
  // Of seconds after a start, what grows per hour says nothing.
  assert.deepEqual(
    missed(result).filter(figure => !memory.test(figure)),
    [],
    result.tally.told.join('\n'),
  );
});

test('control: a gateway that keeps 8 KB of each request is found out', async () => {
  const result = await soak({ ...SHORT, leakBytes: LEAK_BYTES });
  assert.ok(keptPerRequest(result) > LEAK_BYTES / 2, `${keptPerRequest(result)} bytes a request`);
  assert.ok(missed(result).includes('S9 gateway, heap and buffers'), missed(result).join());
});

const HALF_HOUR = Array.from({ length: 360 }, (_, i) => i * 5000);
const MB = 2 ** 20;
/** Noise without a slope. */
const samples = (
  change: (sample: Sample, hours: number, i: number) => Partial<Sample> = () => ({}),
): Sample[] =>
  HALF_HOUR.map((atMs, i) => {
    const noise = (i * 5) % 7;
    const sample: Sample = {
      ...{ atMs, resident: 150 * MB + noise * MB, heap: 30 * MB + ((i * 3) % 5) * MB },
      ...{ files: 60 + noise, handles: 50 + noise, workersResident: 300 * MB, workersFiles: 90, workers: 2 },
    };
    return { ...sample, ...change(sample, atMs / 3_600_000, i) };
  });
const resultOf = (of: readonly Sample[]): SoakResult => {
  const tally = Object.assign(new CrossTalkTally(), { own: 1_800_000, left: 1 });
  return { samples: of, reloads: 1, tally, seconds: 1800, warmupMs: 450_000 };
};

test('noise, a jump and what is learned in the beginning are no growth', () => {
  assert.deepEqual(missed(resultOf(samples())), []);
  const warm = samples(({ resident }, hours) => ({ resident: resident + Math.min(hours, 0.1) * 1000 * MB }));
  assert.deepEqual(missed(resultOf(warm)), []);
  const jump = samples(({ files }, _, i) => ({ files: i > 200 && i < 230 ? files + 500 : files }));
  assert.deepEqual(missed(resultOf(jump)), []);
});

test('each figure that grows is missed by itself, and so is 1 KB of each request', () => {
  const grown: Readonly<Record<string, (sample: Sample, hours: number) => Partial<Sample>>> = {
    'S9 gateway, resident': ({ resident }, hours) => ({ resident: resident + hours * 20 * MB }),
    'S9 gateway, heap and buffers': ({ heap = 0 }, hours) => ({ heap: heap + hours * 1000 * 3600 * 1024 }),
    'S9 gateway, open files': ({ files }, hours) => ({ files: files + Math.floor(hours * 60) }),
    'S9 gateway, handles': ({ handles = 0 }, hours) => ({ handles: handles + Math.floor(hours * 60) }),
    'S9 workers, resident': ({ workersResident }, hours) => ({
      workersResident: workersResident + hours * 2 * MB,
    }),
    'S9 workers, open files': ({ workersFiles }, hours) => ({
      workersFiles: workersFiles + Math.floor(hours * 20),
    }),
  };
  for (const [figure, change] of Object.entries(grown))
    assert.deepEqual(missed(resultOf(samples(change))), [figure]);
  const good = resultOf(samples());
  const tallied = (more: Partial<CrossTalkTally>) => ({
    ...good,
    tally: Object.assign(new CrossTalkTally(), good.tally, more),
  });
  assert.deepEqual(missed({ ...good, reloads: 0 }), ['S9 reloads']);
  assert.deepEqual(missed(tallied({ foreign: 1 })), ['S9 answers with another’s rows']);
  assert.deepEqual(missed(tallied({ lost: 1 })), ['S9 failed or lost']);
  assert.deepEqual(missed(tallied({ left: 0 })), ['S9 requests left behind']);
});

test('without samples nothing is proven', () => {
  assert.equal(missed(resultOf([])).length, 6);
  assert.deepEqual(missed(resultOf(samples(() => ({ handles: undefined })))), ['S9 gateway, handles']);
});

test('what stays of each request does not depend on how many there are', () => {
  const leak = samples((_, hours) => ({ heap: 30 * MB + hours * 3600 * 1000 * 1024 }));
  assert.equal(Math.round(keptPerRequest(resultOf(leak))), 1024);
  assert.equal(Math.round(keptPerRequest(resultOf(samples()))), 0);
});
