/** R10: model files that are corrupt, truncated, empty or half copied, under traffic: none serves, and the old ones do. */
import { appendFile, mkdir, rm, writeFile } from 'node:fs/promises';
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

/** Copies that stall half way. */
const COPIES = 3;

export async function run(options: ScenarioOptions): Promise<ScenarioResult> {
  const times = options.short ? KINDS.length : 50;
  await using subject = await startReloadable();
  const beside = rowsPlus('add', constant => constant === 0);
  const result = await whileWorking(subject, beside, options, () => spoil(subject, times, options));
  const { refused, served, others, halves, whole } = result.worked;
  return {
    rows: [
      row('bad versions refused with a reason', `${refused} of ${times}`, 'all', refused === times),
      none('bad versions that answered', served, times),
      row('half copies that were looked at, and refused', `${halves} of ${COPIES}`, 'all', halves === COPIES),
      row('half copies that became whole, and serve', `${whole} of ${COPIES}`, 'all', whole === COPIES),
      row('good models that came beside them, and serve', `${others} of 1`, 'all', others === 1),
      ...s5Rows(result),
    ],
    details: result,
  };
}

async function spoil(subject: Subject, times: number, { progress }: ScenarioOptions) {
  const told = { refused: 0, served: 0, others: 0, halves: 0, whole: 0 };
  for (let i = 0; i < times; i++) {
    const { name, bytes } = KINDS[i % KINDS.length] as (typeof KINDS)[number];
    const folder = path.join(subject.repository, 'target', '2');
    await mkdir(folder, { recursive: true });
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
  for (let i = 0; i < COPIES; i++) await copyInHalves(subject, told);
  progress(`${COPIES} half copies became whole`);
  return told;
}

/** A copy that stalls half way: what is there is refused, and once the rest has come it serves. */
async function copyInHalves(subject: Subject, told: { halves: number; whole: number }): Promise<void> {
  const folder = path.join(subject.repository, 'target', '2');
  const file = path.join(folder, 'model.onnx');
  await mkdir(folder, { recursive: true });
  await writeFile(file, GOOD.subarray(0, GOOD.length >> 1));
  await until('half a copy is refused', async () => (await reasonOf(subject)) !== '');
  if ((await statusOf(subject)) !== 200) told.halves++;
  await appendFile(file, GOOD.subarray(GOOD.length >> 1));
  await until('the whole copy serves', async () => (await statusOf(subject)) === 200);
  told.whole++;
  await rm(folder, { recursive: true });
  await until('version 2 has gone', async () => (await statusOf(subject)) !== 200);
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
