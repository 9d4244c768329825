/**
 * `npm run bench:breaker [-- --rounds 25]`: what a version's breaker adds to a batch, µs of one core, in turns within
 * one process: beside doing nothing, a run that succeeds, one that fails by its worker, one that fails by its input,
 * and asking whether seats may be granted, which every grant does.
 */
import { parseArgs } from 'node:util';
import { GatewayError } from '../src/errors.ts';
import type { Execution } from '../src/inference.ts';
import { UNCONFIGURED, VersionBreaker } from '../src/pool/version-breaker.ts';
import { median } from './support/median.ts';
import { printTable, progress, writeResult } from './support/report.ts';

const { values: args } = parseArgs({ options: { rounds: { type: 'string', default: '25' } } });
const rounds = Number(args.rounds);
const CALLS = 20_000;

const breaker = new VersionBreaker({
  ...UNCONFIGURED,
  slow: { callMs: 1e9, share: 1 },
  trySample: async () => {},
  isUp: () => true,
  trialLimitMs: 1000,
  random: Math.random,
  changed: () => {},
});
const ofWorker = new GatewayError('worker-failed', 'away');
const ofModel = new GatewayError('model-failed', 'index out of range');
const part = new Uint8Array(3136);
const execution: Execution = {
  inputs: [{ name: 'x', datatype: 'FP32', shape: [32, 784], parts: Array<Uint8Array>(32).fill(part) }],
  outputs: undefined,
  rows: 32,
};

let closed = 0;
const CANDIDATES: Readonly<Record<string, (i: number) => void>> = {
  nothing: () => {},
  'a run that succeeds': () => breaker.succeeded(breaker.begin(), 1),
  'a run that fails by its worker': () => breaker.failed(breaker.begin(), ofWorker, execution),
  'a run of 100 KB that fails by its input, and one that succeeds': i => {
    part[0] = i;
    breaker.failed(breaker.begin(), ofModel, execution);
    breaker.succeeded(breaker.begin(), 1);
  },
  'asking whether it is closed': () => {
    if (breaker.isClosed) closed++;
  },
};

const found = new Map<string, number[]>();
for (let round = 0; round < rounds; round++) {
  progress(`round ${round + 1}/${rounds}`);
  for (const [name, run] of Object.entries(CANDIDATES)) {
    const calls = name.startsWith('a run of') ? CALLS / 100 : CALLS;
    const began = performance.now();
    for (let i = 0; i < calls; i++) run(i);
    found.set(name, [...(found.get(name) ?? []), ((performance.now() - began) * 1000) / calls]);
    // What was doubted meanwhile is tried, and counts no more.
    breaker.close();
    await new Promise(setImmediate);
  }
}

const rows = [...found].map(([name, times]) => ({ what: name, µs: median(times) }));
printTable([['µs of one core', 'median'], ...rows.map(({ what, µs }) => [what, µs.toFixed(2)])]);
console.log(writeResult('breaker', { rounds, closed, rows }));
breaker.shutDown();
