/** Loads the model to be tuned, in one layout after another, each on workers of its own. */
import { freemem } from 'node:os';
import { GatewayError } from '../errors.ts';
import type { Pool } from '../pool/pool.ts';
import type { LoadedVersion, VersionSpec } from '../pool/version-spec.ts';
import type { CatalogSpec } from '../repository/catalog-entry.ts';
import { contentOf } from '../serving-version.ts';
import { saturate } from '../tune/saturate.ts';
import { keyOf, type Layout } from '../tune/setting.ts';
import type { OpenLayout } from '../tune/sweep.ts';

/** Memory that loaded layouts may take together, of what is free. */
const MEMORY_SHARE = 0.5;
const SINGLE: Layout = { instances: 1, threads: 1 };

/** The model as one instance of one thread shows it. */
export interface Probed {
  /** Rows per run; 0: no batch axis. */
  readonly maxBatchSize: number;
  /** Why that, in words. */
  readonly verification: string;
  readonly rowBytes: number;
  /** What one instance holds. */
  readonly instanceBytes: number;
  readonly open: OpenLayout;
}

/** Rejects with a GatewayError when it cannot be loaded, or no input could be made up for it. */
export async function probe(pool: Pool, spec: CatalogSpec): Promise<Probed> {
  const loaded = await pool.load(specFor(spec, SINGLE, spec.config.maxBatchSize));
  const { maxBatchSize, sampleRun, verification, memoryBytes } = loaded;
  if (sampleRun === undefined) {
    await loaded.unload();
    throw new GatewayError('invalid', `nothing to run it with: ${verification.detail}`);
  }
  const rowBytes = sampleRun(1).inputs.reduce(
    (sum, { parts }) => sum + parts.reduce((bytes, part) => bytes + part.byteLength, 0),
    0,
  );
  const open = openLayout(loaded, SINGLE);
  return { maxBatchSize, verification: verification.detail, rowBytes, instanceBytes: memoryBytes, open };
}

/** Opens layouts for a sweep. What was verified by the probe is not verified again. */
export function layoutOpener(
  pool: Pool,
  spec: CatalogSpec,
  probed: Probed,
): (layout: Layout) => Promise<OpenLayout> {
  let first: OpenLayout | undefined = probed.open;
  return async layout => {
    if (keyOf(layout) === keyOf(SINGLE) && first !== undefined) {
      const open = first;
      first = undefined;
      return open;
    }
    // Only a single row is run while loading: the sweep warms each size itself.
    const maxBatchSize = probed.maxBatchSize > 0 ? 1 : spec.config.maxBatchSize;
    const loaded = await pool.load(specFor(spec, layout, maxBatchSize));
    return openLayout(loaded, layout);
  };
}

/** Whether all of them fit into the memory there is at once. */
export function fitTogether(layouts: readonly Layout[], instanceBytes: number): boolean {
  const instances = layouts.reduce((sum, layout) => sum + layout.instances, 0);
  return instances * instanceBytes <= MEMORY_SHARE * freemem();
}

/** Whether one of them fits at all; one instance has been loaded already. */
export function fits({ instances }: Layout, instanceBytes: number): boolean {
  return (instances - 1) * instanceBytes <= freemem();
}

function openLayout(loaded: LoadedVersion, { instances }: Layout): OpenLayout {
  return {
    measure: (batch, size) => {
      if (loaded.sampleRun === undefined) throw new GatewayError('invalid', 'no sample input could be made');
      return saturate(loaded.executor, loaded.sampleRun(batch), instances, size);
    },
    close: () => loaded.unload(),
  };
}

function specFor(
  spec: CatalogSpec,
  { instances, threads }: Layout,
  maxBatchSize: number | undefined,
): VersionSpec {
  const { model, version, config } = spec;
  return {
    model,
    version,
    content: contentOf(spec),
    maxBatchSize,
    batchSizes: [],
    derivedMaxBatchSize: 4,
    // One row of it: a given sample may be for larger batches than are loaded for.
    warmup: config.warmup.slice(0, 1).map(({ inputs }) => ({ batchSize: 1, inputs: inputs ?? {} })),
    instances: [{ kind: 'cpu', count: instances, intraOpThreads: threads, device: 0 }],
    isolation: 'dedicated',
    longestRunMs: config.maxTimeoutMs,
  };
}
