/**
 * `npm run bench:added-cpu -- --commit <commit> [--pairs 10]`: what resilience adds to the CPU of a request, in isolation.
 * The batcher is measured beside that commit's, in processes that take turns; the rest piece by piece, in turns within
 * one process. A request that runs alone pays all of it. Held against the CPU of P2's request, from the same minutes.
 */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { AnswerCheck } from './support/answer-check.ts';
import { overheads } from './support/batch-overheads.ts';
import { prepareModel } from './support/bench-models.ts';
import { decimals } from './support/decimals.ts';
import { checkOut } from './support/earlier-code.ts';
import { endWith, readFlags } from './support/flags.ts';
import { startHeadgate } from './support/headgate.ts';
import { bootstrapInterval, median } from './support/median.ts';
import { inferPath, inferRequest } from './support/oip.ts';
import { printTable, progress, verdict, writeResult } from './support/report.ts';
import { saturate } from './support/saturate.ts';
import { TempFolder } from './support/temp-folder.ts';

const USAGE = 'usage: npm run bench:added-cpu -- --commit <commit> [--pairs 10]';
const { values: flags } = readFlags(
  { options: { commit: { type: 'string' }, pairs: { type: 'string', default: '10' } } },
  USAGE,
);
const { commit } = flags;
if (commit === undefined) endWith('--commit: the one to hold the batcher against', USAGE);
const pairs = Number(flags.pairs);
const MOST_SHARE = 0.03;
const CALLS = 100_000;
const CASE = 'alternating priorities';

await using folder = await TempFolder.create();
const before = checkOut(commit, folder.path);

/** µs of a request in one batcher, the middle of three measurements. */
function batcherUs(root: string): number {
  const printed = execFileSync(process.execPath, ['test/batch/cpu-per-request.ts'], {
    cwd: root,
    encoding: 'utf8',
  });
  const line = printed.split('\n').find(text => text.startsWith(CASE)) ?? '';
  return median([...line.slice(CASE.length).matchAll(/[\d.]+/g)].map(([us]) => Number(us)));
}

function addedByBatcher(): number[] {
  return Array.from({ length: pairs }, (_, pair) => {
    progress(`batcher: pair ${pair + 1}/${pairs}`);
    const first = batcherUs(pair % 2 === 0 ? before : '.');
    const second = batcherUs(pair % 2 === 0 ? '.' : before);
    return pair % 2 === 0 ? second - first : first - second;
  });
}

async function pieces() {
  const { all, end } = overheads();
  const us = all.map((): number[] => []);
  for (let round = 0; round < pairs; round++) {
    progress(`pieces: round ${round + 1}/${pairs}`);
    for (const [at, { run }] of all.entries()) {
      const began = performance.now();
      for (let i = 0; i < CALLS; i++) run(i);
      us[at]?.push(((performance.now() - began) * 1000) / CALLS);
      await new Promise(setImmediate);
    }
  }
  if (end() > 0) throw new Error('this is a bug: something was refused');
  return all.map(({ what, per }, at) => ({ what, per, us: median(us[at] ?? []) }));
}

async function requestUs(): Promise<number> {
  progress('P2: the CPU of a request');
  const repository = path.join(folder.path, 'models');
  const model = await prepareModel(repository, 'identity16');
  const answers = new AnswerCheck(model.output, model.expected);
  const requests = model.rows.map(row =>
    inferRequest(
      inferPath(model.name),
      [{ name: model.input, shape: [1, 16], values: decimals(row) }],
      'json',
    ),
  );
  await using server = await startHeadgate(repository, path.join(folder.path, 'gateway'));
  const load = { requests, connections: 128, check: answers.check.bind(answers) };
  await saturate(server, { ...load, seconds: 6 });
  const turns: number[] = [];
  for (let turn = 0; turn < 3; turn++)
    turns.push((await saturate(server, { ...load, seconds: 3 })).frontCpuUs);
  return median(turns);
}

const batcher = addedByBatcher();
const rest = await pieces();
const p2 = await requestUs();
const [low, high] = bootstrapInterval(batcher);
const added = median(batcher) + rest.reduce((sum, { us }) => sum + us, 0);
const share = added / p2;
printTable([
  ['of a request that runs alone', 'added CPU, µs'],
  [
    `batcher, beside ${commit.slice(0, 9)}'s`,
    `${median(batcher).toFixed(3)} (${low.toFixed(3)}–${high.toFixed(3)})`,
  ],
  ...rest.map(({ what, us }) => [what, us.toFixed(3)]),
  ['all of it', added.toFixed(3)],
  ["P2's request", p2.toFixed(1)],
  ['all of it ÷ P2', `${(100 * share).toFixed(2)} % (at most ${100 * MOST_SHARE} %)`],
]);
console.log(writeResult('added-cpu', { commit, pairs, batcher, rest, p2, share }));
verdict(share <= MOST_SHARE ? [] : [`${(100 * share).toFixed(2)} % of P2's request`]);
