/**
 * What a row costs on its whole way, by process and thread: `node row-path.ts [--src <a checkout's src>]… [--seconds 12]
 * [--node <flag for the servers>]… [--model large] [--connections 128] [--raw]`. P1's load by default: the large MLP,
 * binary, 128 connections, one row a request.
 *
 * All subjects, a bare echo of the same bytes and ONNX Runtime alone (in one process, and in two at once) take turns of
 * half a second, so that a noisy machine is noisy for all; each figure is the median of its turns, µs of CPU a row.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { closedLoop } from '../../src/load/closed-loop.ts';
import { writeConfig } from '../../test/support/headgate.ts';
import { type AnswerCheck, echoes } from '../support/answer-check.ts';
import { startBareServer } from '../support/bare-server.ts';
import { type BenchModelName, prepareModel } from '../support/bench-models.ts';
import { type Counts, readCounts } from '../support/headgate.ts';
import { median } from '../support/median.ts';
import { processTree } from '../support/process-tree.ts';
import { RawOrt } from '../support/raw-ort.ts';
import { serveModel } from '../support/served-model.ts';
import { Server } from '../support/server.ts';
import { TempFolder } from '../support/temp-folder.ts';
import { type ThreadCpu, threadsOf, usedBetween } from './thread-cpu.ts';

const OWN_SOURCES = new URL('../../src', import.meta.url).pathname;
const TURN_SECONDS = 0.5;
const WARM_UP_SECONDS = 0.1;
const WARM_UP_TURNS = 4;
const RAW_BATCHES = [32, 64, 128];
const NO_COUNTS: Counts = { inferences: 0, executions: 0 };

const { values: args } = parseArgs({
  options: {
    src: { type: 'string', multiple: true, default: [OWN_SOURCES] },
    node: { type: 'string', multiple: true, default: [] },
    seconds: { type: 'string', default: '12' },
    connections: { type: 'string', default: '128' },
    model: { type: 'string', default: 'large' },
    raw: { type: 'boolean', default: false },
  },
});

interface Turn {
  readonly rows: number;
  readonly rowsPerSecond: number;
  readonly meanBatch: number;
  /** `gateway` or `worker` and the thread's rank by CPU → µs a row. */
  readonly us: ReadonlyMap<string, number>;
}

interface Subject {
  readonly name: string;
  readonly server: Server;
  readonly hasCounts: boolean;
  readonly check: (reply: Parameters<AnswerCheck['check']>[0], index: number) => void;
  readonly turns: Turn[];
}

async function startFrom(src: string, repository: string, folder: string): Promise<Server> {
  await mkdir(folder, { recursive: true });
  const { file, port, adminPort } = await writeConfig(folder, repository, {});
  const main = path.join(src, 'main.ts');
  const server = new Server([...args.node, main, 'serve', '--config', file], { folder, port, adminPort });
  await server.ready();
  return server;
}

const threadsBelow = (root: number): Map<string, ThreadCpu[]> =>
  new Map(
    processTree(root).map(({ pid }, i) => [i === 0 ? 'gateway' : `worker${i > 1 ? i : ''}`, threadsOf(pid)]),
  );

async function takeTurn(subject: Subject, requests: readonly Buffer[]): Promise<void> {
  const { server, check, hasCounts } = subject;
  let before = new Map<string, ThreadCpu[]>();
  let after = before;
  const started = hasCounts ? await readCounts(server, model.name) : NO_COUNTS;
  const result = await closedLoop({
    host: '127.0.0.1',
    port: server.port,
    requests,
    connections: Number(args.connections),
    seconds: TURN_SECONDS,
    warmupSeconds: WARM_UP_SECONDS,
    check: (reply, index) => check(reply, index % requests.length),
    onMeasure: edge => {
      const read = threadsBelow(server.pid);
      if (edge === 'begins') before = read;
      else after = read;
    },
  });
  if (result.outcomes.ok !== result.requests) throw new Error(JSON.stringify(result.firsts));
  const ended = hasCounts ? await readCounts(server, model.name) : NO_COUNTS;
  const rows = result.outcomes.ok;
  const us = new Map<string, number>();
  for (const [process, threads] of after) {
    usedBetween(before.get(process) ?? [], threads).forEach((thread, rank) => {
      const name = rank < 3 ? `${process}.${rank + 1}` : `${process}.rest`;
      us.set(name, (us.get(name) ?? 0) + (thread.cpuMs * 1000) / rows);
    });
  }
  const meanBatch = (ended.inferences - started.inferences) / (ended.executions - started.executions);
  subject.turns.push({ rows, rowsPerSecond: result.okPerSecond, meanBatch, us });
}

function report({ name, turns }: Subject): string {
  const middle = (pick: (turn: Turn) => number) => median(turns.map(pick));
  const sum = ({ us }: Turn, process: string) =>
    [...us].reduce((total, [thread, value]) => (thread.startsWith(process) ? total + value : total), 0);
  const threads = [...new Set(turns.flatMap(turn => [...turn.us.keys()]))].filter(
    thread => middle(turn => turn.us.get(thread) ?? 0) >= 0.3,
  );
  const parts = threads.map(thread => `${thread} ${middle(turn => turn.us.get(thread) ?? 0).toFixed(1)}`);
  return (
    `${name.padEnd(8)} ${middle(turn => sum(turn, '')).toFixed(1)} µs a row = gateway ${middle(turn => sum(turn, 'gateway')).toFixed(1)}` +
    ` + worker ${middle(turn => sum(turn, 'worker')).toFixed(1)} [${parts.join(', ')}],` +
    ` ${middle(turn => turn.rowsPerSecond).toFixed(0)} rows/s, batches of ${middle(turn => turn.meanBatch).toFixed(1)}`
  );
}

await using folder = await TempFolder.create();
const repository = path.join(folder.path, 'models');
const model = await prepareModel(repository, args.model as BenchModelName);
const { requests, answers } = serveModel(model);

await using stack = new AsyncDisposableStack();
const subjects: Subject[] = [];
for (const [i, src] of args.src.entries()) {
  const server = stack.use(await startFrom(src, repository, path.join(folder.path, `src${i}`)));
  subjects.push({
    name: `src ${i}`,
    server,
    hasCounts: true,
    check: answers.check.bind(answers),
    turns: [],
  });
}
const echo = stack.use(await startBareServer('echo', path.join(folder.path, 'echo')));
subjects.push({
  name: 'echo',
  server: echo,
  hasCounts: false,
  check: echoes(requests),
  turns: [],
});
const raws = args.raw
  ? [stack.use(await RawOrt.start(model)), stack.use(await RawOrt.start(model, { processes: 2 }))]
  : [];
const rawUs = raws.map(() => RAW_BATCHES.map((): number[] => []));

const turns = Math.ceil(Number(args.seconds) / TURN_SECONDS / subjects.length);
for (let turn = -WARM_UP_TURNS; turn < turns; turn++) {
  if (turn === 0) for (const subject of subjects) subject.turns.length = 0;
  for (const subject of turn % 2 === 0 ? subjects : [...subjects].reverse())
    await takeTurn(subject, requests);
  for (const [i, raw] of raws.entries()) {
    const timings = await raw.measure(RAW_BATCHES, TURN_SECONDS / 2);
    for (const [j, { cpuUsPerRow }] of timings.entries()) rawUs[i]?.[j]?.push(cpuUsPerRow);
  }
}
for (const subject of subjects) console.log(report(subject));
for (const [i, all] of rawUs.entries()) {
  const text = RAW_BATCHES.map((batch, j) => `${median(all[j] ?? []).toFixed(1)} in batches of ${batch}`);
  console.log(`ONNX Runtime alone, ${i + 1} process(es): ${text.join(', ')} µs a row`);
}
