/** R10: model files that are corrupt, truncated, empty or half copied, under traffic: none serves, and the old ones do. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { addConstant, slow, writeRepository } from '../support/onnx.ts';
import { none, row } from './figures.ts';
import { models, until } from './operator.ts';
import { rowsPlus, s5Rows, startReloadable, whileWorking } from './reloading.ts';
import type { ScenarioOptions, ScenarioResult } from './scenario.ts';
import { PATIENT, type Subject, TURNS, WIDTH } from './subject.ts';

const GOOD = slow(TURNS + 1, WIDTH);
const KINDS: readonly { readonly name: string; readonly bytes: Uint8Array }[] = [
  { name: 'no model', bytes: new TextEncoder().encode('this is no model') },
  { name: 'truncated', bytes: GOOD.subarray(0, GOOD.length >> 1) },
  { name: 'empty', bytes: new Uint8Array() },
  {
    name: 'its second half zeros',
    bytes: Uint8Array.from(GOOD, (byte, i) => (i > GOOD.length / 2 ? 0 : byte)),
  },
  { name: 'random', bytes: Uint8Array.from({ length: 4096 }, (_, i) => (i * 2654435761) >>> 24) },
];

export async function run(options: ScenarioOptions): Promise<ScenarioResult> {
  const times = options.short ? KINDS.length : 50;
  await using subject = await startReloadable();
  const beside = rowsPlus('add', constant => constant === 0);
  const result = await whileWorking(subject, beside, options, () => spoil(subject, times, options));
  const { refused, served, others } = result.worked;
  return {
    rows: [
      row('bad versions refused with a reason', `${refused} of ${times}`, 'all', refused === times),
      none('bad versions that answered', served, times),
      row('good models that came beside them, and serve', `${others} of 1`, 'all', others === 1),
      ...s5Rows(result),
    ],
    details: result,
  };
}

async function spoil(subject: Subject, times: number, { progress }: ScenarioOptions) {
  const told = { refused: 0, served: 0, others: 0 };
  for (let i = 0; i < times; i++) {
    const { name, bytes } = KINDS[i % KINDS.length] as (typeof KINDS)[number];
    const folder = path.join(subject.repository, 'target', '2');
    await mkdir(folder, { recursive: true });
    // In place, as a copy does: what is there is half of it for a while.
    await writeFile(path.join(folder, 'model.onnx'), bytes.subarray(0, bytes.length >> 1));
    await writeFile(path.join(folder, 'model.onnx'), bytes);
    await until(`version 2 is refused: ${name}`, async () => (await reasonOf(subject)) !== '');
    told.refused++;
    if ((await statusOf(subject)) === 200) told.served++;
    if (i === 0) {
      await writeRepository(subject.repository, {
        fresh: { versions: { 1: addConstant(5, WIDTH) }, config: PATIENT },
      });
      await until('a good model is served', () => isReady(subject, 'fresh'));
      told.others++;
    }
    await rm(folder, { recursive: true });
    await until('version 2 is forgotten', async () => (await reasonOf(subject)) === '');
    progress(`${i + 1} of ${times}: ${name}`);
  }
  return told;
}

/** Why version 2 does not serve; '' where there is none, or it does. */
async function reasonOf(subject: Subject): Promise<string> {
  const row = (await models(subject)).find(({ name, version }) => name === 'target' && version === '2');
  return row?.state === 'READY' ? '' : (row?.reason ?? '');
}

async function statusOf({ headgate }: Subject): Promise<number> {
  const data = Array.from({ length: WIDTH }, (_, i) => i);
  const body = JSON.stringify({ inputs: [{ name: 'x', shape: [1, WIDTH], datatype: 'FP32', data }] });
  const response = await fetch(`${headgate.url}/v2/models/target/versions/2/infer`, { method: 'POST', body });
  await response.arrayBuffer();
  return response.status;
}

async function isReady(subject: Subject, model: string): Promise<boolean> {
  return (await models(subject)).some(({ name, state }) => name === model && state === 'READY');
}
