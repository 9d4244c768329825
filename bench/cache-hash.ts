/**
 * `npm run bench:cache-hash [-- --rounds 25]`: hashes that could make a cache's keys, over inputs of several sizes, in
 * turns within one process, beside what the cache does without a hash: reading a fingerprint, comparing bytes. Last, the
 * longest time the event loop stands still while 16 MB are hashed, at once and in stretches.
 */
import { createHash, hash } from 'node:crypto';
import { parseArgs } from 'node:util';
import { contentKeyOf, contentKeysInStretches, scopeOf } from '../src/cache/content-key.ts';
import { fingerprintOf } from '../src/cache/fingerprint.ts';
import { RequestUnits } from '../src/cache/request-units.ts';
import { uniform } from '../test/support/random.ts';
import { median } from './support/median.ts';
import { printTable, progress, writeResult } from './support/report.ts';

const { values: args } = parseArgs({ options: { rounds: { type: 'string', default: '25' } } });
const rounds = Number(args.rounds);
const SIZES = [64, 3136, 65_536, 602_112];
const BYTES_A_TURN = 4 * 1024 * 1024;
const LARGE = 16 * 1024 * 1024;

const random = uniform(1);
const bytesOf = (length: number) => Uint8Array.from({ length }, () => Math.floor(random() * 256));
const unitOf = (data: Uint8Array): RequestUnits => {
  const inputs = [{ name: 'x', datatype: 'UINT8' as const, shape: [1, data.length], data }];
  const inference = { inputs, outputs: undefined, rows: 1, deadline: 0, priority: 1 };
  return new RequestUnits(inference, () => 'x', 1, undefined);
};
const scope = scopeOf({ model: 'm', version: '1', contentSha256: ['c'], numericClass: [] });

type Candidate = (data: Uint8Array, unit: RequestUnits, twin: Uint8Array) => unknown;
const CANDIDATES: Readonly<Record<string, Candidate>> = {
  'the key as it is: SHA-256, framed': (_, unit) => contentKeyOf(scope, unit, 0),
  'SHA-256': data => hash('sha256', data, 'latin1'),
  'SHA-256, createHash': data => createHash('sha256').update(data).digest('latin1'),
  'SHA-512/256': data => hash('sha512-256', data, 'latin1'),
  'SHA3-256': data => hash('sha3-256', data, 'latin1'),
  'BLAKE2b-512': data => hash('blake2b512', data, 'latin1'),
  'BLAKE2s-256': data => hash('blake2s256', data, 'latin1'),
  'SHA-1 (broken)': data => hash('sha1', data, 'latin1'),
  'MD5 (broken)': data => hash('md5', data, 'latin1'),
  'fingerprint, 32 bits': (_, unit) => {
    unit.fingerprints = undefined;
    return fingerprintOf(unit, 0);
  },
  'comparing the bytes': (data, _, twin) => Buffer.compare(data, twin),
};

const found = new Map<string, number[]>();
for (let round = 0; round < rounds; round++) {
  progress(`round ${round + 1}/${rounds}`);
  for (const size of SIZES) {
    const data = bytesOf(size);
    const [unit, twin] = [unitOf(data), Uint8Array.from(data)];
    const calls = Math.max(4, Math.min(20_000, Math.floor(BYTES_A_TURN / size)));
    for (const [name, run] of Object.entries(CANDIDATES)) {
      const began = performance.now();
      for (let i = 0; i < calls; i++) run(data, unit, twin);
      const key = `${name}|${size}`;
      found.set(key, [...(found.get(key) ?? []), ((performance.now() - began) * 1000) / calls]);
    }
  }
}

const us = (name: string, size: number) => median(found.get(`${name}|${size}`) ?? []);
const shown = (value: number) => value.toFixed(value < 100 ? 2 : 0);
printTable([
  ['µs for', ...SIZES.map(size => `${size} bytes`), 'GB/s at the largest'],
  ...Object.keys(CANDIDATES).map(name => [
    name,
    ...SIZES.map(size => shown(us(name, size))),
    ((SIZES.at(-1) ?? 0) / us(name, SIZES.at(-1) ?? 0) / 1000).toFixed(2),
  ]),
]);

/** The longest time between two turns of the event loop while this runs, ms. */
async function longestPause(work: () => unknown): Promise<number> {
  let [longest, last, isOver] = [0, performance.now(), false];
  const tick = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (!isOver) setImmediate(tick);
  };
  setImmediate(tick);
  await new Promise(resolve => setImmediate(resolve));
  await work();
  await new Promise(resolve => setImmediate(resolve));
  isOver = true;
  return longest;
}

const large = unitOf(bytesOf(LARGE));
const pauses = { 'at once': [] as number[], 'in stretches': [] as number[] };
for (let i = 0; i < 9; i++) {
  pauses['at once'].push(await longestPause(() => contentKeyOf(scope, large, 0)));
  pauses['in stretches'].push(await longestPause(() => contentKeysInStretches(scope, large, [0])));
}
for (const [name, all] of Object.entries(pauses)) {
  console.log(
    `16 MB ${name}: the event loop stands still for ${median(all).toFixed(2)} ms (median of ${all.length})`,
  );
}
console.log(writeResult('cache-hash', { us: Object.fromEntries(found), pauses }));
