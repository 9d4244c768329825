/** R14: the shared cache slow, stopped, gone, wrong about its password, or full of poison. Everybody is answered as before. */
import { createClient } from '@redis/client';
import { addConstant } from '../support/onnx.ts';
import { type Redis, startRedis } from '../support/redis.ts';
import { allRight, none, type Row, row, tax } from './figures.ts';
import { metric, until } from './operator.ts';
import type { ScenarioOptions, ScenarioResult } from './scenario.ts';
import { rowsFor, type Subject, startSubjectWith, WIDTH } from './subject.ts';
import { type Carried, carry, type Traffic, tail } from './traffic.ts';

const RATE_PER_SECOND = 200;
const FIRST_SECONDS = 1;
const MAX_FIRST_TAX_MS = 20;
const MAX_TAX_MS = 1;
const PASSWORD = 'a secret';

interface Fault {
  readonly begin: (redis: Redis, ms: number) => Promise<void> | void;
  readonly end?: (redis: Redis) => void;
}

/** In this order: after the last there is no server. */
const FAULTS: Readonly<Record<string, Fault>> = {
  poisoned: { begin: redis => poison(redis) },
  slow: {
    begin: (redis, ms) =>
      withClient(redis, client => client.sendCommand(['CLIENT', 'PAUSE', `${ms}`, 'ALL'])),
  },
  stopped: {
    begin: redis => void redis.process.kill('SIGSTOP'),
    end: redis => void redis.process.kill('SIGCONT'),
  },
  gone: { begin: redis => void redis.process.kill('SIGKILL') },
};

export async function run(options: ScenarioOptions): Promise<ScenarioResult> {
  const rows: Row[] = [];
  await using redis = await startRedis({ password: PASSWORD });
  await using subject = await startCached(redis.url, PASSWORD);
  for (const [name, fault] of Object.entries(FAULTS)) {
    options.progress(name);
    rows.push(...(await broken(name, fault, redis, subject, options)));
  }
  options.progress('wrong password');
  rows.push(...(await wrongPassword(options)));
  return { rows };
}

async function broken(
  name: string,
  { begin, end }: Fault,
  redis: Redis,
  subject: Subject,
  { short, seed }: ScenarioOptions,
): Promise<Row[]> {
  await until('the shared cache is up', async () => (await metric(subject, UP)) === 1);
  const traffic = { load: rowsFor('other'), ratePerSecond: RATE_PER_SECOND, seed };
  const seconds = short ? 2 : 20;
  // The first pass fills it, the second reads.
  await carry(subject, traffic, seconds);
  const before = await carry(subject, traffic, seconds);
  const refusedBefore = await metric(subject, REFUSED);
  await begin(redis, 1000 * (FIRST_SECONDS + seconds + 1));
  const first = await carry(subject, traffic, FIRST_SECONDS);
  const later = await carry(subject, traffic, seconds);
  const noticed =
    name === 'poisoned' ? (await metric(subject, REFUSED)) - refusedBefore : 1 - (await metric(subject, UP));
  end?.(redis);
  return [
    row(`${name}: noticed under traffic`, noticed, 'some', noticed > 0),
    ...taxes(name, before, first, later),
  ];
}

/** A gateway that is not let in, beside one that has no shared cache at all. */
async function wrongPassword({ short, seed }: ScenarioOptions): Promise<Row[]> {
  await using redis = await startRedis({ password: PASSWORD });
  await using refused = await startCached(redis.url, 'the wrong one');
  const traffic: Traffic = { load: rowsFor('other'), ratePerSecond: RATE_PER_SECOND, seed };
  const first = await carry(refused, traffic, FIRST_SECONDS);
  const later = await carry(refused, traffic, short ? 2 : 20);
  const said = refused.headgate.output().includes('the wrong one');
  return [
    allRight('S13 wrong password: not answered, at first', first.account),
    allRight('S13 wrong password: not answered, later', later.account),
    none('wrong password: shown in the log', said ? 1 : 0),
  ];
}

const taxes = (name: string, before: Carried, first: Carried, later: Carried): Row[] => [
  allRight(`S13 ${name}: not answered, in the first second`, first.account),
  allRight(`S13 ${name}: not answered, later`, later.account),
  tax(`S13 ${name}: p99 tax in the first second`, tail(first), tail(before), MAX_FIRST_TAX_MS),
  tax(`S13 ${name}: p99 tax later`, tail(later), tail(before), MAX_TAX_MS),
];

const UP = 'headgate_shared_cache_up';
const REFUSED = 'headgate_shared_cache_refused_total';

/** Nothing is kept in the gateway itself, so that every request looks into the shared cache. */
function startCached(url: string, password: string): Promise<Subject> {
  return startSubjectWith(
    {
      other: {
        versions: { 1: addConstant(2, WIDTH) },
        config: 'coalesce: false\ncache: { enabled: true }\n',
      },
    },
    { config: { cache: { maxBytes: 0, redis: { url, password, timeoutMs: 20 } } } },
  );
}

async function poison(redis: Redis): Promise<void> {
  await withClient(redis, async client => {
    const names = (await client.keys('headgate:*')).filter(name => !name.endsWith('generations'));
    if (names.length === 0) throw new Error('the shared cache is empty');
    for (const name of names) await client.set(name, Buffer.from('poison'));
  });
}

async function withClient<T>(
  { url }: Redis,
  work: (client: ReturnType<typeof createClient>) => Promise<T>,
): Promise<void> {
  const client = createClient({ url, password: PASSWORD });
  client.on('error', () => {});
  await client.connect();
  await work(client as ReturnType<typeof createClient>);
  client.destroy();
}
