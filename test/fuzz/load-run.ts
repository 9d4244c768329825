/** A share of the damaged models through a real load: examined in a scratch process, then hosted beside a good one. */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { TempFolder } from '../../bench/support/temp-folder.ts';
import { GatewayError } from '../../src/errors.ts';
import { createEvents } from '../../src/events.ts';
import { Pool } from '../../src/pool/pool.ts';
import { OnnxWalk } from '../../src/repository/onnx-walk.ts';
import { identity } from '../support/onnx.ts';
import { CaseSource } from './case-source.ts';
import type { FuzzCase, Tally } from './fuzz-case.ts';
import { classOf } from './judge.ts';

export interface LoadRun {
  readonly seed: number;
  readonly loads: number;
  readonly signal: AbortSignal;
}

/** A model that loops for ever on its first sample costs so long. */
const LOAD_TIMEOUT_MS = 5000;

/** Only what the walk lets pass is loaded: the rest never gets as far. */
export async function fuzzLoads({ seed, loads, signal }: LoadRun, tally: Tally): Promise<void> {
  if (loads === 0) return;
  await using folder = await TempFolder.create();
  const events = createEvents();
  const lost: string[] = [];
  events.on('worker:changed', ({ worker, state, detail }) => {
    if (state === 'exited') lost.push(`${worker}: ${detail}`);
  });
  const pool = new Pool({ cores: 1, socketParent: folder.path, loadTimeoutMs: LOAD_TIMEOUT_MS }, events);
  await pool.start();
  try {
    await pool.load(specOf(path.join(folder.path, 'good.onnx'), identity()));
    const source = new CaseSource('model', seed);
    let done = 0;
    for (let index = 0; done < loads && !signal.aborted; index++) {
      const fuzzed = source.at(index);
      if (!passesTheWalk(fuzzed.bytes)) continue;
      done++;
      tally.ended('model', `load: ${await loadOne(pool, folder.path, fuzzed)}`);
      const gone = lost.splice(0);
      if (gone.length > 0)
        tally.found({ trouble: 'crash', case: fuzzed, detail: `a load took ${gone.join(', ')}` });
    }
  } catch (error) {
    throw new Error(`the pool itself failed: ${(error as Error).message}`, { cause: error });
  } finally {
    await pool.close();
  }
}

function passesTheWalk(bytes: Buffer): boolean {
  const walk = new OnnxWalk();
  walk.push(bytes);
  return walk.problem() === '' && walk.locations.size === 0;
}

/** Throws what is no refusal. */
async function loadOne(pool: Pool, folder: string, { bytes, index }: FuzzCase): Promise<string> {
  try {
    const unit = await pool.load(specOf(path.join(folder, `m${index % 16}.onnx`), bytes));
    await unit.unload();
    return 'taken';
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return `${error.code} ${classOf(error.message)}`;
  }
}

function specOf(file: string, bytes: Uint8Array) {
  writeFileSync(file, bytes);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return {
    model: path.parse(file).name,
    version: '1',
    content: { file, sha256, externalData: [] },
    maxBatchSize: undefined,
    batchSizes: [],
    derivedMaxBatchSize: 4,
    warmup: [],
    instances: [{ kind: 'cpu', count: 1, intraOpThreads: 1, device: 0 }],
    isolation: 'shared',
  } as const;
}
