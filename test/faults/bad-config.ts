/** R9: configuration that is invalid, truncated or unknown, written in place and by rename, under traffic. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { none, row } from './figures.ts';
import { admin, logged, models, until } from './operator.ts';
import { rowsPlus, s5Rows, startReloadable, whileWorking } from './reloading.ts';
import type { ScenarioOptions, ScenarioResult } from './scenario.ts';
import { PATIENT, type Subject } from './subject.ts';

/** What follows the good text, or stands instead of it. */
const GATEWAY_KINDS: readonly ((good: string) => string)[] = [
  good => `${good}nosuchkey: 1\n`,
  good => `${good}limits: { maxBodyBytes: many }\n`,
  good => `${good.slice(0, good.length / 2)}\nhttp: { host: "127.0.`,
  () => '- a list\n- and no map\n',
  () => '\u0001\u0002{{{ no YAML',
];
const MODEL_KINDS: readonly ((good: string) => string)[] = [
  good => `${good}nosuchkey: 1\n`,
  good => `${good}maxBatchSize: -7\n`,
  good => `${good}batching: { maxQueueRows: [`,
  () => '- a list\n- and no map\n',
];
const REFUSED = 'configuration refused';
/** In every bad model file, good in itself: in force, it would cost callers their answers. */
const HASTY = PATIENT.replace(/timeoutMs: \d+/, 'timeoutMs: 1');
/** In every bad gateway file, likewise: in force, it would be shown. */
const HASTY_GATEWAY = 'timeouts: { drainMs: 4321 }\n';

interface Told {
  readonly refused: number;
  readonly shown: number;
  readonly notReady: number;
}

export async function run(options: ScenarioOptions): Promise<ScenarioResult> {
  const times = options.short ? 8 : 100;
  await using subject = await startReloadable();
  const beside = rowsPlus('add', constant => constant === 0);
  const result = await whileWorking(subject, beside, options, () => spoil(subject, times, options));
  const { refused, shown, notReady } = result.worked;
  return {
    rows: [
      row('bad files refused, the old ones in force', `${refused} of ${times}`, 'all', refused === times),
      row('of models, shown with the reason', `${shown} of ${times / 2}`, 'all', shown === times / 2),
      none('looks at which it was not ready', notReady, times),
      ...s5Rows(result),
    ],
    details: result,
  };
}

/** The gateway's file and a model's in turn, each in place and by rename in turn; the good one after each. */
async function spoil(subject: Subject, times: number, { progress }: ScenarioOptions): Promise<Told> {
  const told = { refused: 0, shown: 0, notReady: 0 };
  const gatewayFile = path.join(subject.headgate.folder, 'headgate.yaml');
  const goodGateway = await readFile(gatewayFile, 'utf8');
  const good = await inForce(subject);
  const modelFile = path.join(subject.repository, 'add', 'config.yaml');
  for (let i = 0; i < times; i++) {
    const inPlace = (i & 2) === 0;
    const before = logged(subject, REFUSED);
    const isRefused = () => logged(subject, REFUSED) > before;
    if (i % 2 === 0) {
      const bad = GATEWAY_KINDS[(i >> 1) % GATEWAY_KINDS.length]?.(`${HASTY_GATEWAY}${goodGateway}`) ?? '';
      // Each is new content, also where the gateway missed the good one between two.
      await write(gatewayFile, `# ${i}\n${bad}`, inPlace);
      await until(`the gateway refuses\n${bad}`, isRefused);
      if ((await inForce(subject)) === good) told.refused++;
      await look(subject, told);
      await write(gatewayFile, goodGateway, inPlace);
    } else {
      const bad = MODEL_KINDS[(i >> 1) % MODEL_KINDS.length]?.(HASTY) ?? '';
      await write(modelFile, bad, inPlace);
      await until(`a model's file is refused:\n${bad}`, isRefused);
      if ((await inForce(subject)) === good) told.refused++;
      if ((await reasonOf(subject)) !== '') told.shown++;
      await look(subject, told);
      await write(modelFile, PATIENT, inPlace);
      await until('the good file is seen', async () => (await reasonOf(subject)) === '');
    }
    if ((i + 1) % 10 === 0) progress(`${i + 1} of ${times}`);
  }
  return told;
}

async function look({ headgate }: Subject, told: { notReady: number }): Promise<void> {
  const response = await fetch(`${headgate.url}/v2/health/ready`);
  await response.arrayBuffer();
  if (response.status !== 200) told.notReady++;
}

/** The gateway's configuration as it holds now. */
export const inForce = async (subject: Subject): Promise<string> =>
  JSON.stringify(await admin<unknown>(subject, '/v1/config'));

async function reasonOf(subject: Subject): Promise<string> {
  return (await models(subject)).find(({ name }) => name === 'add')?.reason ?? 'no such model';
}

async function write(file: string, text: string, inPlace: boolean): Promise<void> {
  if (inPlace) return writeFile(file, text);
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}
