/** What answers a version's requests besides its batcher: results that are kept, and equal requests under way. */
import { Answers } from './cache/answers.ts';
import { scopeOf } from './cache/content-key.ts';
import { Keeper } from './cache/keeper.ts';
import { unitsOf } from './cache/request-units.ts';
import type { ClaimedShelf } from './cache/result-store.ts';
import { isSoundAnswer } from './cache/sound-answer.ts';
import type { Inference, SharedSubmission } from './inference.ts';
import { toleranceOf } from './pool/compare-outputs.ts';
import type { LoadedVersion } from './pool/version-spec.ts';
import type { Pressure } from './pressure.ts';
import type { CatalogSpec } from './repository/catalog-entry.ts';
import type { ResultStores } from './result-stores.ts';
import { VERSION } from './version.ts';

export interface CachedVersion {
  readonly answers: Answers;
  /**
   * Answers are put together from rows that were run beside others: by how much a value may differ from that of the
   * row run alone, of its own size and the row's largest value. Undefined where whole requests are answered.
   */
  readonly rowTolerance: number | undefined;
  /** Undefined where nothing is kept. */
  readonly shelf: ClaimedShelf | undefined;
}

/** Undefined where nothing is kept or joined: there a request goes straight to the batcher. */
export function cachedVersion(
  spec: CatalogSpec,
  unit: LoadedVersion,
  stores: ResultStores,
  pressure: Pressure,
  compute: (inference: Inference) => SharedSubmission,
): CachedVersion | undefined {
  const { cache, coalesce, timeoutMs, priorityLevels, remote } = spec.config;
  // Nobody says that what it answered before is what it would answer now.
  if (remote.some(({ contentId }) => contentId === undefined)) return undefined;
  // What answers one input differently each time has no answer that could be anybody else's.
  if (!unit.deterministic || !(cache.enabled || coalesce)) return undefined;
  const common = {
    outputs: unit.signature.outputs.map(({ name }) => name),
    coalesces: coalesce,
    compute,
    timeoutMs,
    lowestPriority: priorityLevels,
    now: () => performance.now(),
  };
  // Whole requests: rows of several apart took twice the CPU of running them (18 → 36 µs a row of the digits, eight to
  // a request), for a row is waited for with every run that some of it is in.
  const whole = unitsOf(unit.signature, false, unit.maxBatchSize > 0);
  const joins = coalesce
    ? new Answers({ ...common, split: whole, keeper: undefined, aside: compute })
    : undefined;
  if (!cache.enabled) return joins && { answers: joins, shelf: undefined, rowTolerance: undefined };
  const byRow = cache.rowLevel && unit.verification.kind === 'verified';
  const shelf = stores.store.claim(ownerOf(spec, unit, byRow));
  const answers = new Answers({
    ...common,
    split: byRow ? unitsOf(unit.signature, true) : whole,
    keeper: keeperOf(spec, unit, shelf, stores, pressure),
    aside:
      joins === undefined
        ? compute
        : (inference, units) =>
            // One unit is the whole request, and its fingerprint is known.
            units?.count === 1 ? joins.submitUnits(inference, units) : joins.submit(inference),
  });
  const tolerances = unit.signature.outputs.map(({ datatype }) => toleranceOf(datatype));
  return { answers, shelf, rowTolerance: byRow ? Math.max(0, ...tolerances) : undefined };
}

function keeperOf(
  { model, version, config }: CatalogSpec,
  { signature }: LoadedVersion,
  shelf: ClaimedShelf,
  { shared }: ResultStores,
  pressure: Pressure,
): Keeper {
  const secondLevel = shared?.of(model, version);
  const { ttlMs, staleWhileRevalidateMs } = config.cache;
  const { staleIfErrorMs } = config.fallback;
  return new Keeper({
    shelf,
    secondLevel,
    isAnswer: (stored, outputs) => isSoundAnswer(signature, stored, outputs, Date.now()),
    ttlMs,
    staleWhileRevalidateMs,
    staleIfErrorMs,
    pressure,
  });
}

/** What may change the last bits is part of whose results they are: what it runs on, and how rows are put together. */
function ownerOf(
  { model, version, contentSha256, config }: CatalogSpec,
  unit: LoadedVersion,
  byRow: boolean,
) {
  const numericClass = [
    // It says which engine runs it: its dependencies are exact.
    `headgate ${VERSION}`,
    ...[...unit.kinds].sort(),
    `batch ${unit.maxBatchSize}`,
    `padding ${JSON.stringify(config.padding)}`,
    byRow ? 'rows' : 'requests',
  ];
  const content = [contentSha256, ...config.remote.flatMap(({ contentId }) => contentId ?? [])];
  const scope = scopeOf({ model, version, contentSha256: content, numericClass });
  return { model, version, scope };
}
