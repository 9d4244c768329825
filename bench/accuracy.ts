/**
 * `node bench/accuracy.ts`: every held-out digit through the gateway, one a request from 32 callers, to both versions, in
 * JSON and in binary. The accuracy must be the one that models/digits/accuracy.json states.
 */
import { fileURLToPath } from 'node:url';
import accuracy from '../models/digits/accuracy.json' with { type: 'json' };
import { digitsOf, imagesOf, PIXELS, readHeldOut } from '../models/digits/heldout.ts';
import { readCounts, startHeadgate } from './support/headgate.ts';
import { load, outcomesText } from './support/load.ts';
import { type Encoding, inferPath, inferRequest, readAnswer } from './support/oip.ts';
import { printTable, verdict, writeResult } from './support/report.ts';
import { TempFolder } from './support/temp-folder.ts';

const digits = readHeldOut();
const repository = fileURLToPath(new URL('../models', import.meta.url));
await using folder = await TempFolder.create();
await using server = await startHeadgate(repository, folder.path, { log: { level: 'warn' } });

async function classify(version: string, encoding: Encoding) {
  let sent = 0;
  const sampleOf: number[] = [];
  let correct = 0;
  const outcomes = await load({
    port: server.port,
    callers: 32,
    next: caller => {
      if (sent >= digits.count) return undefined;
      const sample = sent++;
      sampleOf[caller] = sample;
      const values = imagesOf(digits, sample, sample + 1);
      return inferRequest(
        inferPath('digits', version),
        [{ name: 'image', shape: [1, PIXELS], values }],
        encoding,
      );
    },
    check: (reply, caller) => {
      const probabilities = readAnswer(reply).get('probabilities') ?? [];
      const [digit] = digitsOf(probabilities.map(Number));
      if (digit === digits.labels[sampleOf[caller] as number]) correct++;
    },
  });
  return { version, encoding, correct, outcomes };
}

const before = await readCounts(server, 'digits');
const runs: Awaited<ReturnType<typeof classify>>[] = [];
for (const version of Object.keys(accuracy.versions)) {
  for (const encoding of ['json', 'binary'] as const) runs.push(await classify(version, encoding));
}
const after = await readCounts(server, 'digits');

const stated = (version: string) => accuracy.versions[version as keyof typeof accuracy.versions].correct;
printTable([
  ['version', 'body', 'right', 'of', 'accuracy.json', 'outcomes'],
  ...runs.map(({ version, encoding, correct, outcomes }) => [
    version,
    encoding,
    correct,
    digits.count,
    stated(version),
    outcomesText(outcomes),
  ]),
]);
console.log(`${after.inferences - before.inferences} rows in ${after.executions - before.executions} runs`);
const results = runs.map(run => ({ ...run, outcomes: Object.fromEntries(run.outcomes) }));
console.log(writeResult('accuracy', results));
verdict(
  runs
    .filter(
      ({ version, correct, outcomes }) => correct !== stated(version) || outcomes.get('200') !== digits.count,
    )
    .map(
      ({ version, encoding, correct }) =>
        `version ${version}, ${encoding}: ${correct}, not ${stated(version)}`,
    ),
);
