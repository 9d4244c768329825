/** A version that can answer: loaded on workers, with a batcher in front. Joins the pool and the batcher. */
import { Batcher } from './batch/batcher.ts';
import { refused } from './batch/entry.ts';
import { type PaddingPlan, paddingPlanOf } from './batch/padding-plan.ts';
import type { RetryBudget } from './batch/retry-budget.ts';
import { notCached } from './cache/flight-runner.ts';
import { type CachedVersion, cachedVersion } from './cached-version.ts';
import { declarationMismatch } from './config/declared-tensors.ts';
import type { ModelConfig } from './config/model-options.ts';
import { GatewayError } from './errors.ts';
import type { Events } from './events.ts';
import type { Inference, Submission } from './inference.ts';
import type { Pool } from './pool/pool.ts';
import type { BreakerSettings } from './pool/version-breaker.ts';
import type { InstanceGroup, LoadedVersion, VersionContent, VersionSpec } from './pool/version-spec.ts';
import type { Pressure } from './pressure.ts';
import type { CatalogSpec } from './repository/catalog-entry.ts';
import type { ResultStores } from './result-stores.ts';

/** Rows of the largest batch where the configuration does not say: beyond it no measured model gained 5 %. */
const DERIVED_MAX_BATCH_SIZE = 256;
/** Shapes and output sets that may wait at once for one version. */
const MAX_SIGNATURES = 1024;
/** A worker is back sooner than this when nothing is wrong; only then is it worth sending callers elsewhere. */
const MAX_UNABLE_MS = 5000;

export interface ServingOptions {
  /** False: each request is run as it came, nothing is joined, looked up or kept. */
  readonly joinsRequests: boolean;
  readonly stores: ResultStores;
  /** Of the model. */
  readonly retryBudget: RetryBudget;
  readonly pressure: Pressure;
}

export class ServingVersion {
  readonly unit: LoadedVersion;
  readonly batcher: Batcher;
  /** Undefined where every request goes straight to the batcher. */
  readonly cached: CachedVersion | undefined;

  constructor(unit: LoadedVersion, batcher: Batcher, cached: CachedVersion | undefined) {
    this.unit = unit;
    this.batcher = batcher;
    this.cached = cached;
  }

  /** Never throws: see `Batcher.submit` and `Answers.submit`. */
  submit(inference: Inference): Submission {
    if (this.cached !== undefined) return this.cached.answers.submit(inference);
    return inference.cacheControl?.onlyIfCached === true
      ? refused(notCached())
      : this.batcher.submit(inference);
  }

  /** Loads, verifies and warms the content; rejects with a GatewayError that says what is wrong with it. */
  static async load(
    spec: CatalogSpec,
    { joinsRequests, stores, retryBudget, pressure }: ServingOptions,
    pool: Pool,
    events: Events,
  ): Promise<ServingVersion> {
    const unit = await pool.load(versionSpec(spec));
    const mismatch = spec.declared && declarationMismatch(spec.declared, unit.signature, unit.maxBatchSize);
    if (mismatch !== undefined) {
      await unit.unload();
      throw new GatewayError('invalid', mismatch);
    }
    const padding = await paddingFor(spec, unit);
    const { batching } = spec.config;
    const batcher = new Batcher(
      {
        model: spec.model,
        version: spec.version,
        signature: unit.signature,
        maxBatchSize: unit.maxBatchSize,
        joinsRequests,
        maxQueueDelayMs: batching.maxQueueDelayMs,
        sloMs: spec.config.sloMs,
        sendsAhead: batching.sendAhead,
        measured: unit.measured,
        preferredBatchSizes: batching.preferredBatchSizes,
        allowedBatchSizes: batching.allowedBatchSizes,
        padding,
        maxQueueRows: batching.maxQueueRows,
        maxQueueBytes: batching.maxQueueBytes,
        maxSignatures: MAX_SIGNATURES,
        priorityLevels: spec.config.priorityLevels,
        pressure,
        hedges: spec.config.hedge && unit.deterministic,
        retryBudget,
        outage: () => unit.executor.outage,
        now: () => performance.now(),
      },
      unit.executor,
      events,
    );
    unit.executor.onOutage = error => batcher.failQueued(error);
    const cached = joinsRequests
      ? cachedVersion(spec, unit, stores, pressure, inference => batcher.submit(inference))
      : undefined;
    return new ServingVersion(unit, batcher, cached);
  }

  /** False when no worker has been able to run it for a while. `nowMs` as `performance.now()`. */
  hasWorkers(nowMs: number): boolean {
    const { unableSinceMs } = this.unit.executor;
    return unableSinceMs === undefined || nowMs - unableSinceMs <= MAX_UNABLE_MS;
  }

  /** Answers what it has accepted, then frees its instances. */
  async close(): Promise<void> {
    await this.cached?.answers.settled();
    await this.batcher.drain();
    this.cached?.shelf?.release();
    await this.unit.unload();
  }
}

/** Frees the instances when what is declared does not fit the model. */
async function paddingFor({ config }: CatalogSpec, unit: LoadedVersion): Promise<PaddingPlan | undefined> {
  try {
    return paddingPlanOf(config.padding, unit.signature, unit.maxBatchSize);
  } catch (error) {
    await unit.unload();
    throw error;
  }
}

/** The catalog's files as the pool loads them. */
export function contentOf({ file, sha256, externalData }: CatalogSpec): VersionContent {
  return {
    file,
    sha256,
    externalData: externalData.map(({ location, ...rest }) => ({ path: location, ...rest })),
  };
}

function versionSpec(spec: CatalogSpec): VersionSpec {
  const { model, version, config } = spec;
  return {
    model,
    version,
    content: contentOf(spec),
    maxBatchSize: config.maxBatchSize,
    batchSizes: config.batching.allowedBatchSizes,
    derivedMaxBatchSize: config.batching.allowedBatchSizes.at(-1) ?? DERIVED_MAX_BATCH_SIZE,
    warmup: config.warmup.map(({ batchSize, inputs }) => ({ batchSize, inputs: inputs ?? {} })),
    instances: config.instances.flatMap(instanceGroups),
    remotes: config.remote,
    isolation: config.isolation,
    longestRunMs: config.maxTimeoutMs,
    breaker: breakerSettings(config),
  };
}

function breakerSettings({ breaker }: ModelConfig): BreakerSettings {
  const { slowRunMs, slowShare, ...settings } = breaker;
  const slow = slowRunMs === undefined ? undefined : { callMs: slowRunMs, share: slowShare };
  return { ...settings, slow };
}

/** A group without devices stands for one; a GPU group for `count` instances on each of its devices. */
function instanceGroups({
  kind,
  count,
  intraOpThreads,
  devices,
}: ModelConfig['instances'][number]): InstanceGroup[] {
  const on = kind === 'cpu' ? [0] : (devices ?? [0]);
  return on.map(device => ({ kind, count, intraOpThreads, device }));
}
