/** The gateway that faults are injected into: real workers and real models, each request with an answer of its own. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Feed, inferPath, inferRequest, readAnswer } from '../../bench/support/oip.ts';
import type { Address } from '../../src/load/connection.ts';
import type { Reply } from '../../src/load/reply.ts';
import type { Check } from '../../src/load/tally.ts';
import { type Headgate, type HeadgateOptions, startHeadgate } from '../support/headgate.ts';
import { addConstant, gather, lagging, writeRepository } from '../support/onnx.ts';
import type { ModelFiles } from '../support/repository.ts';
import { ENGINE_FOLDER } from './engine/orders.ts';

/** What a request may take at most, ms, as its model is configured. */
export const DEADLINE_MS = 2000;
/** Different requests of one load: an answer that is another's is seen by its value. */
export const DIFFERENT = 4096;
export const WIDTH = 64;
/** So that a run takes some ms, as with a model worth serving: a thousand requests a second are a load then. */
export const TURNS = 1000;
const TABLE = 1000;
const ENGINE_HOOK = new URL('./engine/hook.ts', import.meta.url).href;
export const CONFIG = `coalesce: false\ntimeoutMs: ${DEADLINE_MS}\n`;

/** Thousands of requests a second may wait for as long as their deadline allows: a worker that is replaced needs that. */
export const TARGET_CONFIG = `${CONFIG}maxBatchSize: 8\nbatching: { maxQueueRows: 16384 }\n`;

/** For figures of errors, which a machine that is slow for a moment must not make. */
export const PATIENCE_MS = 8000;
export const PATIENT = CONFIG.replace(String(DEADLINE_MS), String(PATIENCE_MS));
export const PATIENT_TARGET = TARGET_CONFIG.replace(String(DEADLINE_MS), String(PATIENCE_MS));

export interface Load {
  readonly requests: readonly Buffer[];
  readonly check: Check;
}

export interface Subject extends AsyncDisposable {
  readonly headgate: Headgate;
  readonly address: Address;
  /** Folder of its models. */
  readonly repository: string;
  /** Folder of orders to its test engine. */
  readonly engine: string;
}

export function startSubject(): Promise<Subject> {
  return startSubjectWith({
    target: { versions: { 1: lagging(TURNS, WIDTH) }, config: TARGET_CONFIG },
    other: { versions: { 1: addConstant(2, WIDTH) }, config: CONFIG },
    gather: { versions: { 1: gather(TABLE) }, config: CONFIG },
  });
}

export interface SubjectOptions extends Omit<HeadgateOptions, 'repository'> {
  /** Its workers run the test engine, which takes orders in the subject's `engine`. */
  readonly testEngine?: boolean;
}

/** A gateway with these models. */
export async function startSubjectWith(
  models: Readonly<Record<string, ModelFiles>>,
  { testEngine = false, env, ...options }: SubjectOptions = {},
): Promise<Subject> {
  const folder = await mkdtemp(path.join(tmpdir(), 'headgate-faults-'));
  const [repository, engine] = [path.join(folder, 'models'), path.join(folder, 'engine')];
  await mkdir(engine, { recursive: true });
  await writeRepository(repository, models);
  const hooked = { NODE_OPTIONS: `--import=${ENGINE_HOOK}`, [ENGINE_FOLDER]: engine };
  const headgate = await startHeadgate({
    ...options,
    repository,
    env: { ...(testEngine && hooked), ...env },
  });
  const { hostname: host, port } = new URL(headgate.url);
  return {
    headgate,
    address: { host, port: Number(port) },
    repository,
    engine,
    async [Symbol.asyncDispose]() {
      await headgate[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Rows that differ, each answered with itself plus the constant: 2 of the other model. */
export function rowsFor(model: string, constant = model === 'other' ? 2 : 0): Load {
  const rows = Array.from({ length: DIFFERENT }, (_, i) =>
    Float32Array.from({ length: WIDTH }, (_, at) => i * WIDTH + at),
  );
  return {
    requests: rows.map(row =>
      inferRequest(inferPath(model), [{ name: 'x', shape: [1, WIDTH], values: row }], 'binary'),
    ),
    check: checkOf(rows.map(row => row.map(value => value + constant))),
  };
}

/** Rows of a table, of which every `1 / share`th names one that is not there: the model fails on it. */
export function gathering(share: number): Load & { readonly isPoison: (index: number) => boolean } {
  const every = share > 0 ? Math.round(1 / share) : Number.POSITIVE_INFINITY;
  const isPoison = (index: number) => (index % DIFFERENT) % every === every - 1;
  const indexes = Array.from({ length: DIFFERENT }, (_, i) => (isPoison(i) ? TABLE + i : i % TABLE));
  return {
    isPoison,
    requests: indexes.map(index => {
      const feed: Feed = { name: 'index', shape: [1, 1], values: BigInt64Array.of(BigInt(index)) };
      return inferRequest(inferPath('gather'), [feed], 'binary');
    }),
    check: checkOf(indexes.map(index => Float32Array.of(index * 10))),
  };
}

function checkOf(expected: readonly Float32Array[]): Check {
  return (reply, index) => {
    const values = outputOf(reply);
    const own = expected[index % DIFFERENT] as Float32Array;
    if (values.length !== own.length || own.some((value, at) => values[at] !== value))
      throw new Error(`request ${index} was answered ${values.slice(0, 4)}, not ${own.slice(0, 4)}`);
  };
}

/** The numbers of output `y`. Throws when the answer is no 200 or not what the protocol says. */
export function outputOf(reply: Reply): readonly (number | bigint)[] {
  const length = reply.header('inference-header-content-length');
  const headers = new Map(length === undefined ? [] : [['inference-header-content-length', length]]);
  return readAnswer({ status: reply.status, headers, body: reply.body }).get('y') ?? [];
}
