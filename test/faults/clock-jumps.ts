/** R19: the wall clock jumps by an hour, back, by a leap second and by a year, under traffic: only the log may notice. */
import { setTimeout as sleep } from 'node:timers/promises';
import { assertOk, inferBinary, inferUrl } from '../support/client.ts';
import { slow } from '../support/onnx.ts';
import { allRight, none, row } from './figures.ts';
import { breakers, logged, metric, until } from './operator.ts';
import type { ScenarioOptions, ScenarioResult } from './scenario.ts';
import { PATIENT_TARGET, rowsFor, type Subject, startSubjectWith, TURNS, WIDTH } from './subject.ts';
import { carryWhile } from './traffic.ts';

const CLOCK = new URL('./engine/clock.ts', import.meta.url).href;
const JUMPS = 5;
const JUMPED = 'the wall clock jumped';
/** An hour on, an hour back, as it was, a year on. */
const LEAST_HOURS = 4;
const RATE_PER_SECOND = 100;
/** Far less than the clock jumps by, and far more than this takes. */
const TTL_MS = 1_800_000;

export async function run({ short, seed, progress }: ScenarioOptions): Promise<ScenarioResult> {
  await using subject = await startSubjectWith(
    {
      target: { versions: { 1: slow(TURNS, WIDTH) }, config: PATIENT_TARGET },
      // Slow enough that keeping its results pays.
      kept: { versions: { 1: slow(5000, 4) }, config: `cache: { enabled: true, ttlMs: ${TTL_MS} }\n` },
    },
    { env: { NODE_OPTIONS: `--import=${CLOCK}` } },
  );
  const jumps = short ? JUMPS : 4 * JUMPS;
  const traffic = { load: rowsFor('target'), ratePerSecond: RATE_PER_SECOND, seed };
  const { account, worked } = await carryWhile(subject, traffic, () => jump(subject, jumps, progress));
  const seen = new Set(worked.clocks.map(text => text.slice(0, 'yyyy-mm-ddThh'.length))).size;
  const open = (await breakers(subject)).filter(({ state }) => state !== 'closed').length;
  const deaths = await metric(subject, 'headgate_worker_deaths_total');
  return {
    rows: [
      row('hours its clock was in', seen, `≥ ${LEAST_HOURS}`, seen >= LEAST_HOURS),
      allRight('wrong timeouts, and whatever else', account),
      none('kept results lost before their time', worked.forgotten, jumps),
      none('breakers opened and workers killed', open + deaths),
    ],
    details: { account, ...worked },
  };
}

async function jump(subject: Subject, jumps: number, progress: (text: string) => void) {
  const { headgate } = subject;
  const told = { clocks: [] as string[], forgotten: 0 };
  await isKept(headgate.url);
  for (let i = 0; i < jumps; i++) {
    await sleep(300);
    headgate.process.kill('SIGUSR2');
    await until('the clock has jumped', () => logged(subject, JUMPED) === i + 1);
    if (!(await isKept(headgate.url))) told.forgotten++;
    progress(`${i + 1} of ${jumps}`);
  }
  told.clocks = [...headgate.output().matchAll(/jumped to (\S+)/g)].map(([, text = '']) => text);
  return told;
}

async function isKept(url: string): Promise<boolean> {
  const answer = await inferBinary(inferUrl(url, 'kept'), [
    { name: 'x', shape: [1, 4], data: Float32Array.of(1, 2, 3, 4) },
  ]);
  assertOk(answer);
  return answer.headers.get('headgate-cache') === 'hit';
}
