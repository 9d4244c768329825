/**
 * The gateway's client, a worker process and nothing else: what a batch costs on each thread, without HTTP to the
 * outside and without a batcher. `node engine-path.ts [--model small|large|identity] [--rows 64] [--depth 2]
 * [--seconds 6] [--src <another checkout's src>]… [--entry '<Node flags> <worker entry>']…`.
 *
 * With several sources or entries they take turns of 0.2 s, so that a noisy machine is noisy for all, and each figure is
 * the median of its turns. Every answer is compared with the first one's bytes. One line for each: µs of CPU a batch of
 * the client and of each of the worker's threads (with its sleeps and preemptions), round trip, time inside the engine.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { GatewayError } from '../../src/errors.ts';
import type { Execution } from '../../src/inference.ts';
import type { WorkerClient } from '../../src/pool/worker-client.ts';
import { identity, mlp } from '../../test/support/onnx.ts';
import { uniform } from '../../test/support/random.ts';
import { median } from '../support/median.ts';
import { TempFolder } from '../support/temp-folder.ts';
import { type ThreadCpu, threadsOf, usedBetween } from './thread-cpu.ts';

const TURN_MS = 200;
const OWN_SOURCES = new URL('../../src', import.meta.url).pathname;
const { values: args } = parseArgs({
  options: {
    model: { type: 'string', default: 'small' },
    rows: { type: 'string', default: '64' },
    depth: { type: 'string', default: '2' },
    seconds: { type: 'string', default: '6' },
    instances: { type: 'string', default: '1' },
    src: { type: 'string', multiple: true, default: [OWN_SOURCES] },
    entry: { type: 'string', multiple: true, default: [] },
  },
});
const MODELS: Readonly<Record<string, () => Uint8Array>> = {
  small: () => mlp([784, 128, 10]),
  large: () => mlp([784, 1024, 1024, 10]),
  identity: () => identity({ shape: [-1, 262_144] }),
};
const [rows, depth] = [Number(args.rows), Number(args.depth)];
const width = args.model === 'identity' ? 262_144 : 784;
const target = '/v2/models/m/versions/1';

interface Turn {
  readonly batchesPerSecond: number;
  readonly clientUs: number;
  readonly threads: readonly ThreadCpu[];
  readonly batches: number;
  readonly roundTripUs: number;
  readonly engineUs: number;
}

/** One worker process and a client of the same sources. */
class Path implements AsyncDisposable {
  readonly name: string;
  readonly turns: Turn[] = [];
  readonly #client: WorkerClient;
  readonly #process: ReturnType<typeof spawn>;
  #expected: Uint8Array | undefined;

  constructor(name: string, client: WorkerClient, process: ReturnType<typeof spawn>) {
    this.name = name;
    this.#client = client;
    this.#process = process;
  }

  static async start(name: string, src: string, entry: string, file: string, sha256: string): Promise<Path> {
    const socket = `${file}.${Math.random().toString(36).slice(2)}.sock`;
    const child = spawn(process.execPath, [...entry.split(' '), '--socket', socket], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    const module = (await import(path.join(src, 'pool/worker-client.ts'))) as {
      WorkerClient: typeof WorkerClient;
    };
    const client = new module.WorkerClient(socket, 2 * depth);
    const order = { version: '1', file, sha256, externalData: [], kind: 'cpu', device: 0 } as const;
    await client.load('m', { ...order, instances: Number(args.instances), intraOpThreads: 1 });
    return new Path(name, client, child);
  }

  async turn(execution: Execution, ms: number): Promise<void> {
    const pid = this.#process.pid as number;
    const [before, own] = [threadsOf(pid), process.cpuUsage()];
    const roundTripsMs: number[] = [];
    const inferMs: number[] = [];
    const started = performance.now();
    const drive = async () => {
      while (performance.now() - started < ms) {
        const sent = performance.now();
        const { outputs, inferMs: took } = await this.#client.infer(target, execution);
        roundTripsMs.push(performance.now() - sent);
        inferMs.push(took);
        const data = outputs[0]?.data ?? new Uint8Array(0);
        this.#expected ??= data;
        if (Buffer.compare(this.#expected, data) !== 0) throw new Error('not what the model answered first');
      }
    };
    await Promise.all(Array.from({ length: depth }, drive));
    const took = performance.now() - started;
    const { user, system } = process.cpuUsage(own);
    const batches = roundTripsMs.length;
    this.turns.push({
      batches,
      batchesPerSecond: (batches / took) * 1000,
      clientUs: (user + system) / batches,
      threads: usedBetween(before, threadsOf(pid)),
      roundTripUs: median(roundTripsMs) * 1000,
      engineUs: median(inferMs) * 1000,
    });
  }

  report(): string {
    const middle = (pick: (turn: Turn) => number) => median(this.turns.map(pick)).toFixed(0);
    const sum = ({ threads, batches }: Turn) => threads.reduce((us, t) => us + t.cpuMs * 1000, 0) / batches;
    const batches = this.turns.reduce((n, turn) => n + turn.batches, 0);
    const all = usedBetween([], this.turns.at(-1)?.threads ?? [])
      .slice(0, 3)
      .map(({ tid, name }) => {
        const of = (turn: Turn) => turn.threads.find(thread => thread.tid === tid);
        const total = (pick: (t: ThreadCpu) => number) =>
          this.turns.reduce((n, turn) => n + pick(of(turn) as ThreadCpu), 0) / batches;
        const cpu = middle(turn => ((of(turn)?.cpuMs ?? 0) * 1000) / turn.batches);
        return `${name} ${cpu} (${total(t => t.sleeps).toFixed(1)}/${total(t => t.preemptions).toFixed(1)})`;
      });
    return (
      `${this.name.padEnd(8)} ${middle(t => t.batchesPerSecond).padStart(5)} batches/s, client ${middle(t => t.clientUs)}` +
      ` + worker ${middle(sum)} µs [${all.join(', ')}] p50 ${middle(t => t.roundTripUs)} µs, engine ${middle(t => t.engineUs)} µs`
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.destroy(new GatewayError('cancelled', 'the bench is over'));
    const exited = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await exited;
  }
}

await using folder = await TempFolder.create();
const file = path.join(folder.path, 'model.onnx');
const bytes = (MODELS[args.model] ?? (() => mlp([784, 128, 10])))();
await writeFile(file, bytes);
const sha256 = createHash('sha256').update(bytes).digest('hex');
const random = uniform(7);
const parts = Array.from(
  { length: rows },
  () => new Uint8Array(Float32Array.from({ length: width }, random).buffer),
);
const inputs = [{ name: 'x', datatype: 'FP32', shape: [rows, width], parts }] as const;
const execution: Execution = { inputs, outputs: undefined, rows };

await using stack = new AsyncDisposableStack();
const paths: Path[] = [];
for (const [i, src] of args.src.entries()) {
  paths.push(stack.use(await Path.start(`src ${i}`, src, path.join(src, 'worker/main.ts'), file, sha256)));
}
for (const [i, entry] of args.entry.entries()) {
  paths.push(stack.use(await Path.start(`entry ${i}`, OWN_SOURCES, entry, file, sha256)));
}
const turns = Math.ceil((Number(args.seconds) * 1000) / TURN_MS / paths.length);
const warmUp = Math.ceil(3000 / TURN_MS);
for (let turn = 0; turn < warmUp + turns; turn++) {
  if (turn === warmUp) for (const one of paths) one.turns.length = 0;
  for (const one of turn % 2 === 0 ? paths : [...paths].reverse()) await one.turn(execution, TURN_MS);
}
console.log(`${args.model}, ${rows} rows, depth ${depth}:`);
for (const one of paths) console.log(one.report());
