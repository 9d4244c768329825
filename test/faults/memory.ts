/**
 * R3: workers that run out of memory. Once through ONNX Runtime, by inputs of twenty bytes that ask for gigabytes; once by
 * a test engine that keeps some of every run. The gateway and the other model go on, and no storm of restarts begins.
 */
import { addConstant, expand } from '../support/onnx.ts';
import { isAlive } from '../support/processes.ts';
import { give, obeyed, withdraw } from './engine/orders.ts';
import { none, row } from './figures.ts';
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
      none(
        'other model not answered, lost or wrong',
        account.lost + account.wrong + account.failed,
        account.requests,
      ),
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
