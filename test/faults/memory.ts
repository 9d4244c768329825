/**
 * R3: workers that run out of memory. Once through ONNX Runtime, by inputs of twenty bytes that ask for gigabytes; once by
 * a test engine that keeps some of every run. The gateway and the other model go on, and no storm of restarts begins.
 */
import { readFileSync } from 'node:fs';
import { processTree } from '../../bench/support/process-tree.ts';
import { addConstant, expand } from '../support/onnx.ts';
import { isAlive } from '../support/processes.ts';
import { give, obeyed, withdraw } from './engine/orders.ts';
import { allRight, type Row, reported, row, timed } from './figures.ts';
import { metric, until } from './operator.ts';
import type { ScenarioOptions, ScenarioResult } from './scenario.ts';
import { PATIENT, rowsFor, type Subject, startSubjectWith, WIDTH } from './subject.ts';
import { carryWhile } from './traffic.ts';

const CAP = 400 * 2 ** 20;
const BOMB_ELEMENTS = 750_000_000;
const LEAK_BYTES = 20 * 2 ** 20;
const RATE_PER_SECOND = 100;
/** A bomb takes down two: the one it came to, and the one it runs apart in. */
const DEATHS_PER_BOMB = 2;
/** What a run may take between two looks, a tenth of a second apart, and until it is dead: a core fills 2 GiB a second. */
const OVERSHOOT = 2 ** 29;
const LOOK_EVERY_MS = 20;
/** Its last moment before it is killed is missed, in which it grew past its bound. */
const SEEN = 0.75 * CAP;

export async function run({ short, seed, progress }: ScenarioOptions): Promise<ScenarioResult> {
  await using subject = await startSubjectWith(
    {
      other: { versions: { 1: addConstant(2, WIDTH) }, config: PATIENT },
      expand: {
        versions: { 1: expand() },
        config: 'coalesce: false\ninstances: [{ count: 1 }]\ntimeoutMs: 30000\nmaxBatchSize: 0\n',
      },
    },
    { testEngine: true, config: { workers: { maxMemoryBytes: CAP } } },
  );
  const traffic = { load: rowsFor('other'), ratePerSecond: RATE_PER_SECOND, seed };
  const bombs = short ? 1 : 5;
  const startedAt = performance.now();
  await using peaks = watchPeaks(subject.headgate.pid);
  const { account, worked } = await carryWhile(subject, traffic, async () => {
    const statuses: number[] = [];
    for (let i = 0; i < bombs; i++) {
      statuses.push(await bomb(subject, BOMB_ELEMENTS + i));
      progress(`bomb ${i + 1} of ${bombs}: ${statuses.at(-1)}`);
    }
    const bombDeaths = await memoryDeaths(subject);
    give(subject.engine, { kind: 'leak', bytes: LEAK_BYTES });
    await until(
      'the leak ends a worker',
      async () => (await memoryDeaths(subject)) > bombDeaths,
      60_000,
    ).finally(() => withdraw(subject.engine));
    return { statuses, bombDeaths, deaths: await memoryDeaths(subject) };
  });
  const { statuses, bombDeaths, deaths } = worked;
  const allDeaths = { deaths: await metric(subject, 'headgate_worker_deaths_total') };
  const peak = peaks.most();
  const leaked = obeyed(subject.engine).length;
  return {
    rows: [
      row(
        'workers ended for their memory, by bombs and a leak',
        deaths,
        'some of each',
        bombDeaths > 0 && leaked > 0,
      ),
      row(
        'deaths by bombs',
        bombDeaths,
        `≤ ${DEATHS_PER_BOMB * bombs}`,
        bombDeaths <= DEATHS_PER_BOMB * bombs,
      ),
      row(
        'bombs refused with the reason',
        statuses.join(),
        '500',
        statuses.every(status => status === 500),
      ),
      row('the gateway lives', String(isAlive(subject.headgate.pid)), 'true', isAlive(subject.headgate.pid)),
      allRight('other model not answered', account),
      ...memoryRows(peak, { bombs, seconds: (performance.now() - startedAt) / 1000, ...allDeaths }),
    ],
    details: { account, ...worked, leaked },
  };
}

const memoryDeaths = (subject: Subject) =>
  metric(subject, 'headgate_worker_deaths_total', { cause: 'memory' });

async function bomb({ headgate }: Subject, elements: number): Promise<number> {
  const response = await fetch(`${headgate.url}/v2/models/expand/infer`, {
    method: 'POST',
    body: JSON.stringify({
      inputs: [{ name: 'length', shape: [1], datatype: 'INT64', data: [elements] }],
      parameters: { binary_data_output: true },
    }),
  });
  await response.arrayBuffer();
  return response.status;
}

interface Storm {
  readonly bombs: number;
  /** Of workers, for any cause. */
  readonly deaths: number;
  readonly seconds: number;
}

/** How far a worker got above its bound, and that each of its deaths had a bomb or the leak as its cause. */
export function memoryRows(peakBytes: number, { bombs, deaths, seconds }: Storm): Row[] {
  const most = DEATHS_PER_BOMB * (bombs + 1);
  const bound = CAP + OVERSHOOT;
  return [
    row('a worker was seen to fill up', mib(peakBytes), `≥ ${mib(SEEN)}`, peakBytes >= SEEN),
    timed('largest worker, resident', mib(peakBytes), `≤ ${mib(bound)}`, peakBytes <= bound),
    row('workers started again, in all', deaths, `1 to ${most}`, deaths > 0 && deaths <= most),
    reported('workers started again, a minute', ((60 * deaths) / seconds).toFixed(1)),
  ];
}

const mib = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;

interface Peaks extends AsyncDisposable {
  /** Of all processes so far, bytes. */
  most(): number;
}

/** Watches the most memory that any process below this one has had. The kernel keeps it: only the last moment is missed. */
export function watchPeaks(root: number): Peaks {
  let most = 0;
  const timer = setInterval(() => {
    for (const { pid } of processTree(root)) if (pid !== root) most = Math.max(most, peakOf(pid));
  }, LOOK_EVERY_MS);
  return {
    most: () => most,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
    },
  };
}

/** 0 once it has ended. */
function peakOf(pid: number): number {
  try {
    const kib = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Number(kib ?? 0) * 1024;
  } catch {
    return 0;
  }
}
