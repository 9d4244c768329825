/**
 * `npm run bench:cache-correctness [-- --requests 1000000]`: the same few bytes again and again as different questions,
 * in two shapes, to two datatypes, for two lists of outputs, to two versions, alone and in rows, and to a model that is
 * replaced in place meanwhile. Every value must be the right one. Then the same with a planted weak key, which must be
 * noticed.
 */
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { addConstant, identity, twoOutputs, writeRepository, writeVersion } from '../test/support/onnx.ts';
import { uniform } from '../test/support/random.ts';
import { readCounts, startHeadgate } from './support/headgate.ts';
import { load, type Outcomes, outcomesText, total } from './support/load.ts';
import { inferPath, inferRequest, readAnswer } from './support/oip.ts';
import { printTable, progress, verdict, writeResult } from './support/report.ts';
import type { Server } from './support/server.ts';
import { TempFolder } from './support/temp-folder.ts';

const { values: args } = parseArgs({ options: { requests: { type: 'string', default: '1000000' } } });
const WEAK_KEY = fileURLToPath(new URL('./controls/weak-key.ts', import.meta.url));
const CALLERS = 64;
/** Different rows that are asked about: few, so that nearly every question has been asked before. */
const ROWS = 64;
const REPLACED_EVERY_MS = 2000;
const CACHED = 'coalesce: true\ncache: { enabled: true }\nmaxTimeoutMs: 60000\ntimeoutMs: 60000\n';
const COUNTED = ['shapes', 'versions', 'integers', 'outputs', 'replaced'];

/** One question: its request, and whether an answer is right. */
interface Question {
  readonly request: Buffer;
  readonly check: (outputs: ReadonlyMap<string, readonly (number | bigint)[]>, caller: number) => void;
}

/** What the replaced model adds by now, and the newest that each caller has seen. */
const replaced = { written: 0 };
const newest: number[] = new Array(CALLERS).fill(0);

const equal = (found: readonly (number | bigint)[] | undefined, wanted: readonly number[]) =>
  found?.length === wanted.length && wanted.every((value, i) => Number(found[i]) === value);

function rightly(
  name: string,
  found: readonly (number | bigint)[] | undefined,
  wanted: readonly number[],
): void {
  if (!equal(found, wanted)) throw new Error(name);
}

/** Eight numbers that the row's number makes. */
const rowOf = (n: number) => Array.from({ length: 8 }, (_, i) => (n * 31 + i * 7) % 97);

function questions(): Question[] {
  const all: Question[] = [];
  for (let n = 0; n < ROWS; n++) {
    const row = rowOf(n);
    const ask = (at: string, shape: readonly number[], check: Question['check'], integers = false) => {
      const values = integers ? BigInt64Array.from(row.slice(0, 4), BigInt) : Float32Array.from(row);
      const x = { name: 'x', shape, values };
      for (const encoding of ['json', 'binary'] as const) {
        all.push({ request: inferRequest(at, [x], encoding), check });
      }
    };
    const echo: Question['check'] = found => rightly('shape', found.get('y'), row);
    for (const shape of [
      [1, 8],
      [2, 4],
      [4, 2],
      [8, 1],
    ])
      ask(inferPath('shapes'), shape, echo);
    for (const version of [1, 2]) {
      const wanted = row.map(value => value + version);
      ask(inferPath('versions', version), [2, 4], found => rightly('version', found.get('y'), wanted));
    }
    ask(inferPath('integers'), [1, 4], found => rightly('datatype', found.get('y'), row.slice(0, 4)), true);
    all.push(...outputsOf(row), ...replacedOf(row));
  }
  return all;
}

/** Both outputs, one of them, the other. */
function outputsOf(row: readonly number[]): Question[] {
  const wanted = { plus_one: row.map(value => value + 1), doubled: row.map(value => value * 2) };
  return [['plus_one', 'doubled'], ['plus_one'], ['doubled']].map(names => {
    const x = { name: 'x', shape: [2, 4], datatype: 'FP32', data: row };
    const body = JSON.stringify({ inputs: [x], outputs: names.map(name => ({ name })) });
    const head = `POST ${inferPath('outputs')} HTTP/1.1\r\nhost: h\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`;
    return {
      request: Buffer.from(head + body),
      check: found => {
        if (found.size !== names.length) throw new Error('other outputs');
        for (const name of names) rightly('outputs', found.get(name), wanted[name as keyof typeof wanted]);
      },
    };
  });
}

/** Its answers say which content gave them: no caller may see an older one again. */
function replacedOf(row: readonly number[]): Question[] {
  const x = { name: 'x', shape: [2, 4], values: Float32Array.from(row) };
  const check: Question['check'] = (found, caller) => {
    const values = (found.get('y') ?? []).map(Number);
    const added = (values[0] ?? Number.NaN) - (row[0] as number);
    rightly(
      'replaced',
      values,
      row.map(value => value + added),
    );
    if (!(added >= (newest[caller] ?? 0) && added <= replaced.written)) throw new Error('an older content');
    newest[caller] = added;
  };
  return [{ request: inferRequest(inferPath('replaced'), [x], 'binary'), check }];
}

async function run(requests: number, env: Readonly<Record<string, string>>) {
  await using folder = await TempFolder.create();
  const repository = path.join(folder.path, 'models');
  replaced.written = 0;
  newest.fill(0);
  const versions = 'versions: all\n';
  await writeRepository(repository, {
    shapes: { versions: { 1: identity({ shape: [-1, -1] }) }, config: CACHED },
    versions: { versions: { 1: addConstant(1), 2: addConstant(2) }, config: CACHED + versions },
    integers: { versions: { 1: identity({ datatype: 'INT64' }) }, config: CACHED },
    outputs: { versions: { 1: twoOutputs() }, config: CACHED },
    replaced: { versions: { 1: addConstant(0) }, config: CACHED },
  });
  await using server = await startHeadgate(repository, folder.path, { log: { level: 'warn' } }, { env });
  const stop = new AbortController();
  const replacing = replaceOften(repository, stop.signal);
  const outcomes = await askAll(server, requests);
  stop.abort();
  await replacing;
  let executed = 0;
  for (const model of COUNTED) executed += (await readCounts(server, model)).executions;
  return { outcomes, executed, contents: replaced.written };
}

async function askAll(server: Server, requests: number): Promise<Outcomes> {
  const all = questions();
  const random = uniform(11);
  const asked = new Map<number, Question>();
  let left = requests;
  return await load({
    port: server.port,
    callers: CALLERS,
    next: caller => {
      if (left-- <= 0) return undefined;
      if (left % 50_000 === 0) progress(`${requests - left}/${requests} requests`);
      const question = all[Math.floor(random() * all.length)] as Question;
      asked.set(caller, question);
      return question.request;
    },
    check: (reply, caller) => asked.get(caller)?.check(readAnswer(reply), caller),
  });
}

async function replaceOften(repository: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await wait(REPLACED_EVERY_MS, undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    replaced.written++;
    await writeVersion(repository, 'replaced', 1, addConstant(replaced.written));
  }
}

const requests = Number(args.requests);
const sound = await run(requests, {});
const weak = await run(Math.min(requests, 20_000), { NODE_OPTIONS: `--require=${WEAK_KEY}` });
const wrong = (outcomes: Outcomes) => total(outcomes) - (outcomes.get('200') ?? 0);

printTable([
  ['key', 'requests', 'runs', 'contents of the replaced model', 'not right', 'outcomes'],
  ...Object.entries({ 'as it is': sound, 'planted weak one': weak }).map(
    ([key, { outcomes, executed, contents }]) => [
      key,
      total(outcomes),
      executed,
      contents + 1,
      wrong(outcomes),
      outcomesText(outcomes),
    ],
  ),
]);
console.log(
  writeResult('cache-correctness', {
    sound: Object.fromEntries(sound.outcomes),
    weak: Object.fromEntries(weak.outcomes),
  }),
);
verdict([
  ...(wrong(sound.outcomes) === 0 && total(sound.outcomes) === requests ? [] : ['a value was wrong']),
  ...(sound.executed < requests / 2 ? [] : ['hardly anything was answered from the cache']),
  ...(wrong(weak.outcomes) > 0 ? [] : ['the planted weak key was not noticed']),
]);
