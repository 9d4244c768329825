/**
 * `node bench/identity.ts [--answers 100000]`: 64 callers send nonces through an identity model, half in JSON and half
 * in binary, and every answer must be that caller's own, in far fewer runs than answers. A model whose first axis is
 * dynamic but no batch axis runs one request at a time, and answers as if alone.
 */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { identity, softmaxOverBatch, writeRepository } from '../test/support/onnx.ts';
import { readCounts, startHeadgate } from './support/headgate.ts';
import { load, outcomesText, total } from './support/load.ts';
import { inferPath, inferRequest, readAnswer } from './support/oip.ts';
import { printTable, verdict, writeResult } from './support/report.ts';
import type { Server } from './support/server.ts';
import { TempFolder } from './support/temp-folder.ts';

const { values: args } = parseArgs({ options: { answers: { type: 'string', default: '100000' } } });
const CALLERS = 64;
const answers = Number(args.answers);

const equal = (found: readonly (number | bigint)[], wanted: readonly number[]) =>
  found.length === wanted.length && wanted.every((value, i) => Math.abs(Number(found[i]) - value) < 1e-5);

async function runNonces(server: Server) {
  let left = answers;
  const nonce = (caller: number, turn: number) => [caller, turn, caller * 1_000_003 + turn * 7919, -turn];
  return load({
    port: server.port,
    callers: CALLERS,
    next: (caller, turn) => {
      if (left-- <= 0) return undefined;
      const values = BigInt64Array.from(nonce(caller, turn), BigInt);
      const encoding = caller % 2 === 0 ? 'json' : 'binary';
      return inferRequest(inferPath('identity'), [{ name: 'x', shape: [1, 4], values }], encoding);
    },
    check: (reply, caller, turn) => {
      if (!equal(readAnswer(reply).get('y') ?? [], nonce(caller, turn))) throw new Error('not its own');
    },
  });
}

async function runUnbatchable(server: Server) {
  const rows = (caller: number) => [caller / 100, 0, 0, caller / 100];
  return load({
    port: server.port,
    callers: CALLERS,
    next: (caller, turn) => {
      const feed = { name: 'x', shape: [2, 2], values: Float32Array.from(rows(caller)) };
      return turn < 20 ? inferRequest(inferPath('softmax'), [feed], 'binary') : undefined;
    },
    check: (reply, caller) => {
      const high = 1 / (1 + Math.exp(-caller / 100));
      if (!equal(readAnswer(reply).get('y') ?? [], [high, 1 - high, 1 - high, high]))
        throw new Error('mixed');
    },
  });
}

async function counted(server: Server, model: string, run: () => Promise<Map<string, number>>) {
  const before = await readCounts(server, model);
  const outcomes = await run();
  const after = await readCounts(server, model);
  const inferences = after.inferences - before.inferences;
  return { model, outcomes, inferences, executions: after.executions - before.executions };
}

await using folder = await TempFolder.create();
const repository = path.join(folder.path, 'models');
await writeRepository(repository, {
  identity: { versions: { 1: identity({ datatype: 'INT64' }) } },
  softmax: { versions: { 1: softmaxOverBatch(2) }, config: 'coalesce: false\n' },
});
await using server = await startHeadgate(repository, folder.path, { log: { level: 'warn' } });
const nonces = await counted(server, 'identity', () => runNonces(server));
const alone = await counted(server, 'softmax', () => runUnbatchable(server));

printTable([
  ['model', 'answers', 'outcomes', 'inference_count', 'execution_count'],
  ...[nonces, alone].map(({ model, outcomes, inferences, executions }) => [
    model,
    total(outcomes),
    outcomesText(outcomes),
    inferences,
    executions,
  ]),
]);
console.log(writeResult('identity', { nonces: toJson(nonces), alone: toJson(alone) }));
verdict([
  ...(nonces.outcomes.get('200') === answers ? [] : ['not every nonce came back to its caller']),
  ...(nonces.inferences === answers ? [] : [`inference_count grew by ${nonces.inferences}, not ${answers}`]),
  ...(nonces.executions < nonces.inferences / 2 ? [] : ['execution_count is not well below inference_count']),
  ...(alone.outcomes.get('200') === CALLERS * 20 ? [] : ['a model without a batch axis answered wrongly']),
  ...(alone.executions === CALLERS * 20 ? [] : ['a model without a batch axis was batched']),
]);

function toJson({ outcomes, ...rest }: typeof nonces) {
  return { ...rest, outcomes: Object.fromEntries(outcomes) };
}
