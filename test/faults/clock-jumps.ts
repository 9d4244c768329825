/** R19: the wall clock jumps by an hour, back, by a leap second and by a year, under traffic: only the log may notice. */
import { setTimeout as sleep } from 'node:timers/promises';
import { assertOk, inferBinary, inferUrl } from '../support/client.ts';
import { addConstant, slow } from '../support/onnx.ts';
import { allRight, none, row } from './figures.ts';
import { breakers, metric } from './operator.ts';
import type { ScenarioOptions, ScenarioResult } from './scenario.ts';
import { rowsFor, type Subject, startSubjectWith, TARGET_CONFIG, TURNS, WIDTH } from './subject.ts';
import { carryWhile } from './traffic.ts';

const CLOCK = new URL('./engine/clock.ts', import.meta.url).href;
const JUMPS = 5;
const RATE_PER_SECOND = 100;
/** Far less than the clock jumps by, and far more than this takes. */
const TTL_MS = 1_800_000;

export async function run({ short, seed, progress }: ScenarioOptions): Promise<ScenarioResult> {
  await using subject = await startSubjectWith(
    {
      target: { versions: { 1: slow(TURNS, WIDTH) }, config: TARGET_CONFIG },
      kept: { versions: { 1: addConstant(1) }, config: `cache: { enabled: true, ttlMs: ${TTL_MS} }\n` },
    },
    { env: { NODE_OPTIONS: `--import=${CLOCK}` } },
  );
  const jumps = short ? JUMPS : 4 * JUMPS;
  const traffic = { load: rowsFor('target'), ratePerSecond: RATE_PER_SECOND, seed };
  const { account, worked } = await carryWhile(subject, traffic, () => jump(subject, jumps, progress));
  const open = (await breakers(subject)).filter(({ state }) => state !== 'closed').length;
  const deaths = await metric(subject, 'headgate_worker_deaths_total');
  return {
    rows: [
      row('jumps the log has seen', `${worked.seen} of ${jumps}`, 'all', worked.seen === jumps),
      allRight('wrong timeouts, and whatever else', account),
      none('kept results lost before their time', worked.forgotten, jumps),
      none('breakers opened and workers killed', open + deaths),
    ],
    details: { account, ...worked },
  };
}

async function jump({ headgate }: Subject, jumps: number, progress: (text: string) => void) {
  const told = { seen: 0, forgotten: 0 };
  await isKept(headgate.url);
  for (let i = 0; i < jumps; i++) {
    await sleep(300);
    const before = await clockOf(headgate.url);
    headgate.process.kill('SIGUSR2');
    await sleep(300);
    if (Math.abs((await clockOf(headgate.url)) - before) >= 900) told.seen++;
    if (!(await isKept(headgate.url))) told.forgotten++;
    progress(`${i + 1} of ${jumps}`);
  }
  return told;
}

/** What the gateway takes for the time, to the second: its answers carry it. */
async function clockOf(url: string): Promise<number> {
  const response = await fetch(`${url}/v2/health/live`);
  await response.arrayBuffer();
  return Date.parse(response.headers.get('date') ?? '');
}

async function isKept(url: string): Promise<boolean> {
  const answer = await inferBinary(inferUrl(url, 'kept'), [
    { name: 'x', shape: [1, 4], data: Float32Array.of(1, 2, 3, 4) },
  ]);
  assertOk(answer);
  return answer.headers.get('headgate-cache') === 'hit';
}
