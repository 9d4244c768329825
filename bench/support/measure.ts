import { mkdir } from 'node:fs/promises';
import { readCounts, startHeadgate } from './headgate.ts';
import { load, total } from './load.ts';
import { quantile } from './median.ts';
import { startNaive } from './naive.ts';
import { type Encoding, readAnswer } from './oip.ts';
import { treeCpu } from './process-tree.ts';
import type { Server } from './server.ts';
import type { Workload } from './workload.ts';

const CONNECTIONS = 128;
const TOLERANCE = 1e-4;

export type Subject = 'headgate' | 'naive';

export interface Measurement {
  readonly subject: Subject;
  readonly model: string;
  readonly encoding: Encoding;
  readonly pair: number;
  readonly rowsPerSecond: number;
  /** CPU time of the server's process tree, µs; and the parts of it in the gateway and in its workers. */
  readonly cpuUsPerRow: number;
  readonly gatewayUsPerRow: number;
  readonly workersUsPerRow: number;
  /** Rows a run, as the server counted them; undefined where it does not count. */
  readonly meanBatch: number | undefined;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers that were wrong, malformed or missing. */
  readonly bad: number;
}

/** Starts one server, and for each workload warms up and measures. */
export async function measure(
  subject: Subject,
  repository: string,
  folder: string,
  workloads: readonly Workload[],
  { pair, seconds }: { readonly pair: number; readonly seconds: number },
): Promise<Measurement[]> {
  await mkdir(folder, { recursive: true });
  await using server =
    subject === 'naive'
      ? await startNaive(repository, workloads[0]?.model ?? '', folder)
      : await startHeadgate(repository, folder, { log: { level: 'warn' } });
  const measurements: Measurement[] = [];
  for (const workload of pair % 2 === 0 ? workloads : [...workloads].reverse()) {
    const warmup = await fire(server, workload, Math.max(2, seconds / 2));
    const counts = subject === 'headgate' ? await readCounts(server, workload.model) : undefined;
    const cpu = treeCpu(server.pid);
    const { rows, wrong, seconds: took, latenciesMs } = await fire(server, workload, seconds);
    const used = treeCpu(server.pid);
    const [gateway, workers] = [used.root - cpu.root, used.below - cpu.below];
    const runs = counts && (await readCounts(server, workload.model)).executions - counts.executions;
    measurements.push({
      subject,
      model: workload.model,
      encoding: workload.encoding,
      pair,
      rowsPerSecond: rows / took,
      cpuUsPerRow: ((gateway + workers) / rows) * 1e6,
      gatewayUsPerRow: (gateway / rows) * 1e6,
      workersUsPerRow: (workers / rows) * 1e6,
      meanBatch: runs === undefined ? undefined : rows / runs,
      p50Ms: quantile(latenciesMs, 0.5),
      p99Ms: quantile(latenciesMs, 0.99),
      bad: warmup.wrong + wrong,
    });
  }
  return measurements;
}

interface Fired {
  readonly rows: number;
  readonly wrong: number;
  readonly seconds: number;
  readonly latenciesMs: readonly number[];
}

/** Closed loop over all connections; every answer is compared with ONNX Runtime's own. */
async function fire(server: Server, { requests, expected }: Workload, seconds: number): Promise<Fired> {
  const rowOf = (caller: number, turn: number) => (caller * 37 + turn) % requests.length;
  const started = performance.now();
  const sentAt = new Float64Array(CONNECTIONS);
  const latenciesMs: number[] = [];
  const outcomes = await load({
    port: server.port,
    callers: CONNECTIONS,
    next: (caller, turn) => {
      sentAt[caller] = performance.now();
      return sentAt[caller] - started < seconds * 1000 ? requests[rowOf(caller, turn)] : undefined;
    },
    check: (reply, caller, turn) => {
      latenciesMs.push(performance.now() - (sentAt[caller] ?? 0));
      const values = readAnswer(reply).get('y') ?? [];
      const wanted = expected[rowOf(caller, turn)] ?? [];
      const isSame = (value: number, i: number) => Math.abs(Number(values[i]) - value) <= TOLERANCE;
      if (values.length !== wanted.length || !wanted.every(isSame))
        throw new Error('not what the model answers');
    },
  });
  const rows = outcomes.get('200') ?? 0;
  return { rows, wrong: total(outcomes) - rows, seconds: (performance.now() - started) / 1000, latenciesMs };
}
