/**
 * `node bench/sigterm.ts [--rounds 50] [--kill]`: SIGTERM while 32 keep-alive callers, which never retry, are at work. Every
 * request that was sent on an open connection must be answered, the exit code must be 0, and no process or socket file
 * may be left. With `--kill` the gateway gets SIGKILL instead: its workers must be gone within 5 s, and their
 * sockets with them.
 */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { slow, writeRepository } from '../test/support/onnx.ts';
import { uniform } from '../test/support/random.ts';
import { allOutcomes, type LeavingRound, leavingRound } from './support/leaving-round.ts';
import { outcomesText } from './support/load.ts';
import { median } from './support/median.ts';
import { printTable, progress, verdict, writeResult } from './support/report.ts';
import { TempFolder } from './support/temp-folder.ts';

const { values: args } = parseArgs({
  options: { rounds: { type: 'string', default: '50' }, kill: { type: 'boolean', default: false } },
});
const rounds = Number(args.rounds);
const random = uniform(9);

await using folder = await TempFolder.create();
const repository = path.join(folder.path, 'models');
await writeRepository(repository, { slow: { versions: { 1: slow(1000, 4) } } });

const results: LeavingRound[] = [];
for (let i = 0; i < rounds; i++) {
  const signal = args.kill ? 'SIGKILL' : 'SIGTERM';
  results.push(
    await leavingRound(signal, { model: 'slow', repository, folder: folder.path }, 200 + random() * 400),
  );
  if ((i + 1) % 5 === 0) progress(`${i + 1}/${rounds} rounds`);
}

const all = allOutcomes(results);
const orphans = results.flatMap(result => result.orphans);
const sockets = results.reduce((sum, result) => sum + result.sockets, 0);
const exits = results.map(({ exit }) => String(exit.code ?? exit.signal));
printTable([
  ['rounds', 'outcomes', 'exits', 'orphans', 'sockets left', 'exit after, median ms', 'longest'],
  [
    rounds,
    outcomesText(all),
    [...new Set(exits)].join(),
    orphans.length,
    sockets,
    Math.round(median(results.map(result => result.tookMs))),
    Math.round(Math.max(...results.map(result => result.tookMs))),
  ],
]);
const rows = results.map(result => ({ ...result, outcomes: Object.fromEntries(result.outcomes) }));
console.log(writeResult(args.kill ? 'gateway-kill' : 'sigterm', rows));
const isAllowed = (outcome: string) =>
  ['200', '503', 'refused'].includes(outcome) || (args.kill && outcome.startsWith('lost'));
verdict([
  ...[...all].filter(([outcome]) => !isAllowed(outcome)).map(([outcome, n]) => `${outcome}: ${n}`),
  ...exits.filter(exit => exit !== (args.kill ? 'SIGKILL' : '0')).map(exit => `exit ${exit}`),
  ...orphans.map(command => `left running: ${command}`),
  ...(sockets === 0 ? [] : [`${sockets} socket files or folders left`]),
]);
