/**
 * `node bench/sigterm.ts [--rounds 50] [--kill]`: SIGTERM while 32 keep-alive callers, which never retry, are at work. Every
 * request that was sent on an open connection must be answered, the exit code must be 0, and no process or socket file
 * may be left. With `--kill` the gateway gets SIGKILL instead: its workers must be gone within 5 s, and the next
 * start must clear away the sockets.
 */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { slow, writeRepository } from '../test/support/onnx.ts';
import { uniform } from '../test/support/random.ts';
import { startHeadgate } from './support/headgate.ts';
import { load, type Outcomes, outcomesText } from './support/load.ts';
import { median } from './support/median.ts';
import { inferPath, inferRequest, readAnswer } from './support/oip.ts';
import { isStillRunning, processTree } from './support/process-tree.ts';
import { printTable, progress, verdict, writeResult } from './support/report.ts';
import { TempFolder } from './support/temp-folder.ts';

const { values: args } = parseArgs({
  options: { rounds: { type: 'string', default: '50' }, kill: { type: 'boolean', default: false } },
});
const rounds = Number(args.rounds);
const GONE_WITHIN_MS = 5000;
const random = uniform(9);

await using folder = await TempFolder.create();
const repository = path.join(folder.path, 'models');
await writeRepository(repository, { slow: { versions: { 1: slow(1000, 4) } } });
const feed = [{ name: 'x', shape: [1, 4], values: Float32Array.of(1, 2, 3, 4) }];
const requests = (['json', 'binary'] as const).map(encoding =>
  inferRequest(inferPath('slow'), feed, encoding),
);

/** Names of sockets, and of the folders made for them, below the servers' temporary folder. */
function socketsLeft(): string[] {
  return readdirSync(folder.path, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isSocket() || /^headgate-\d+-/.test(entry.name))
    .map(entry => entry.name);
}

async function round() {
  const server = await startHeadgate(repository, folder.path, { log: { level: 'warn' } });
  const leftByEarlier = socketsLeft().filter(
    name => name.startsWith('headgate-') && !name.includes(`-${server.pid}-`),
  );
  const stopped = new Set<number>();
  const loading = load({
    port: server.port,
    callers: 32,
    next: (caller, turn) => (stopped.has(caller) ? undefined : requests[(caller + turn) % 2]),
    check: reply => {
      if (readAnswer(reply).get('y')?.map(Number).join() !== '1,2,3,4') throw new Error('not what was sent');
    },
    onOutcome: (outcome, caller) => {
      if (outcome === 'refused' || outcome.startsWith('lost')) stopped.add(caller);
    },
  });
  await wait(200 + random() * 400);
  const tree = processTree(server.pid);
  const at = performance.now();
  server.signal(args.kill ? 'SIGKILL' : 'SIGTERM');
  const exit = await server.exited;
  const tookMs = performance.now() - at;
  const outcomes = await loading;
  const goneBy = performance.now() + GONE_WITHIN_MS;
  while (tree.some(isStillRunning) && (args.kill ? performance.now() < goneBy : false)) await wait(20);
  const orphans = tree.filter(isStillRunning).map(info => info.command);
  return {
    exit,
    tookMs,
    outcomes,
    orphans,
    sockets: args.kill ? leftByEarlier.length : socketsLeft().length,
  };
}

const results: Awaited<ReturnType<typeof round>>[] = [];
for (let i = 0; i < rounds; i++) {
  results.push(await round());
  if ((i + 1) % 5 === 0) progress(`${i + 1}/${rounds} rounds`);
}

const all: Outcomes = new Map();
for (const { outcomes } of results) {
  for (const [outcome, n] of outcomes) all.set(outcome, (all.get(outcome) ?? 0) + n);
}
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
