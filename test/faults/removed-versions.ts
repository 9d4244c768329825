/** R11: versions that are deleted under traffic, and come back; in the end the whole model. Nobody sees a 5xx. */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inferPath } from '../../bench/support/oip.ts';
import { addConstant, writeVersion } from '../support/onnx.ts';
import { none, row } from './figures.ts';
import { models, until } from './operator.ts';
import { rowsPlus, s5Rows, startReloadable, whileWorking } from './reloading.ts';
import type { ScenarioOptions, ScenarioResult } from './scenario.ts';
import { type Load, PATIENT, rowsFor, type Subject, WIDTH } from './subject.ts';
import { type Carried, carryWhile, joined, serverErrors } from './traffic.ts';

const MODEL = 'versioned';
const RATE_PER_SECOND = 100;

export async function run(options: ScenarioOptions): Promise<ScenarioResult> {
  const times = options.short ? 4 : 50;
  await using subject = await startReloadable({
    [MODEL]: {
      versions: { 1: addConstant(1, WIDTH), 2: addConstant(2, WIDTH) },
      config: `${PATIENT}versions: all\n`,
    },
  });
  const beside = rowsPlus(MODEL, constant => constant === 1 || constant === 2);
  const result = await whileWorking(subject, beside, options, () => removals(subject, times, options));
  const pinned = result.worked;
  const gone = await carryWhile(
    subject,
    { load: beside, ratePerSecond: RATE_PER_SECOND, seed: options.seed },
    () => removeModel(subject),
  );
  const { statuses } = pinned;
  return {
    rows: [
      row(
        'requests to a version as it went: 200 and 404',
        `${statuses[200]} and ${statuses[404]}`,
        'both',
        has(statuses, 200) && has(statuses, 404),
      ),
      none('5xx of a version that goes', serverErrors(pinned), pinned.account.requests),
      none(
        'lost or wrong, of a version that goes',
        pinned.account.lost + pinned.account.wrong,
        pinned.account.requests,
      ),
      row('of a model that goes: 404', String(gone.statuses[404]), 'some', has(gone.statuses, 404)),
      none(
        '5xx, lost or wrong, of a model that goes',
        serverErrors(gone) + gone.account.lost + gone.account.wrong,
        gone.account.requests,
      ),
      ...s5Rows(result),
    ],
    details: { ...result, gone },
  };
}

const has = (statuses: Readonly<Record<number, number>>, status: number) => (statuses[status] ?? 0) > 0;

/** Version 2 goes again and again, each time under requests that ask for it by its number. */
async function removals(subject: Subject, times: number, { seed, progress }: ScenarioOptions) {
  const folder = path.join(subject.repository, MODEL, '2');
  const parts: Carried[] = [];
  for (let i = 0; i < times; i++) {
    const traffic = { load: pinnedTo(2), ratePerSecond: RATE_PER_SECOND, seed: seed + 2 + i };
    const part = await carryWhile(subject, traffic, async () => {
      await sleep(200);
      await rm(folder, { recursive: true });
      await until('version 2 is gone', async () => !(await isReady(subject, '2')));
    });
    parts.push(part);
    // Who asks for it while it loads is told 503, which is no matter of its leaving.
    await writeVersion(subject.repository, MODEL, 2, addConstant(2, WIDTH));
    await until('version 2 is back', () => isReady(subject, '2'));
    progress(`${i + 1} of ${times}`);
  }
  return joined(parts);
}

async function removeModel(subject: Subject): Promise<void> {
  await rm(path.join(subject.repository, MODEL), { recursive: true });
  await until('the model is gone', async () => !(await isReady(subject, '1')));
  // So that some come after it went.
  await sleep(1000);
}

async function isReady(subject: Subject, wanted: string): Promise<boolean> {
  return (await models(subject)).some(
    ({ name, version, state }) => name === MODEL && version === wanted && state === 'READY',
  );
}

function pinnedTo(version: number): Load {
  const { requests, check } = rowsFor(MODEL, version);
  const [from, to] = [inferPath(MODEL), inferPath(MODEL, version)];
  return { requests: requests.map(one => repathed(one, from, to)), check };
}

function repathed(request: Buffer, from: string, to: string): Buffer {
  const start = `POST ${from} `.length;
  return Buffer.concat([Buffer.from(`POST ${to} `), request.subarray(start)]);
}
