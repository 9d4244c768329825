/** What operators see of models and workers: plain rows, served by the admin plane and printed by `headgate models`. */
import type { LearnedRow, ModelRow, PressureView, WorkerRow } from './admin/service.ts';
import type { Strain } from './overload/ladder.ts';
import type { RemoteView } from './pool/remote-version.ts';
import type { WorkerView } from './pool/slot-worker.ts';
import { type Pressure, STEPS } from './pressure.ts';
import type { CatalogModel, VersionEntry } from './repository/catalog-entry.ts';
import { chooseVersion } from './route/choose-version.ts';
import type { ServingVersion } from './serving-version.ts';
import { breakerReason } from './version-breakers.ts';

type Model = CatalogModel<ServingVersion>;

/** One row per version; a model of which no version is known has one row with version ''. */
export function modelRows(models: readonly Model[]): ModelRow[] {
  return models.flatMap(model => {
    if (model.versions.size === 0)
      return [rowOf(model, '', { state: 'UNAVAILABLE', reason: model.problem || 'no version' })];
    return [...model.versions].map(([version, entry]) => rowOf(model, version, entry));
  });
}

function rowOf(model: Model, version: string, entry: VersionEntry<ServingVersion>): ModelRow {
  const labels = Object.entries(model.config.labels).filter(([, to]) => String(to) === version);
  return {
    name: model.name,
    version,
    state: entry.state,
    reason: reasonOf(model, entry),
    stable: defaultVersion(model) === version,
    labels: labels.map(([label]) => label),
    ...(entry.state === 'READY' ? servingColumns(entry.loaded) : {}),
    settings: settingsOf(model),
  };
}

function servingColumns({ unit, batcher, cached }: ServingVersion) {
  return {
    maxBatchSize: unit.maxBatchSize,
    batchAxis: unit.verification,
    deterministic: unit.deterministic,
    instances: unit.instances,
    memoryBytes: unit.memoryBytes,
    queuedRows: batcher.queuedRows,
    runningBatches: batcher.runningBatches,
    ...(cached?.shelf !== undefined && {
      cache: {
        results: cached.shelf.size,
        bytes: cached.shelf.bytes,
        stepsAside: cached.answers.mode === 'aside',
      },
    }),
  };
}

function reasonOf({ problem }: Model, entry: VersionEntry<ServingVersion>): string {
  if (entry.state === 'READY') return entry.refused || breakerReason(entry.loaded.unit.executor) || problem;
  return entry.state === 'UNAVAILABLE' ? entry.reason || problem : problem;
}

function defaultVersion({ name, versions, config }: Model): string | undefined {
  const stable = config.stable === undefined ? undefined : String(config.stable);
  try {
    return chooseVersion({ name, versions, stable, labels: new Map() }, undefined).version;
  } catch {
    return stable;
  }
}

/** Each setting with its value and where that came from; a setting inside a list goes with its list. */
export function settingsOf({ config, origins }: Pick<Model, 'config' | 'origins'>): ModelRow['settings'] {
  return Object.fromEntries(
    [...origins].map(([path, origin]) => [path, { value: valueAt(config, path), origin }]),
  );
}

function valueAt(config: unknown, path: string): unknown {
  let value = config;
  for (const key of path.split(/[.[\]]+/).filter(part => part !== '')) {
    value = (value as Readonly<Record<string, unknown>> | undefined)?.[key];
  }
  return value ?? null;
}

/** Of one version: of more, those that ran longest ago are left out. */
const MAX_SIGNATURES = 8;
/** Writing as many takes 2 ms of the event loop. */
const MAX_LEARNED = 400;

/** What the batchers of versions that answer have learned; bounded. */
export function learnedRows(models: readonly Model[]): LearnedRow[] {
  const rows = models.flatMap(({ name, versions }) =>
    [...versions].flatMap(([version, entry]) =>
      entry.state === 'READY'
        ? entry.loaded.batcher.learned(MAX_SIGNATURES).map(learned => ({ model: name, version, ...learned }))
        : [],
    ),
  );
  return rows.slice(0, MAX_LEARNED);
}

/** One row per worker process, and per remote of a version. */
export function workerRows(workers: readonly WorkerView[], remotes: readonly RemoteView[]): WorkerRow[] {
  return [...workers.map(processRow), ...remotes.map(remoteRow)];
}

function remoteRow({ url, state, detail, model, version, concurrency }: RemoteView): WorkerRow {
  return { name: url, state, device: 'remote', detail, models: [{ model, version, instances: concurrency }] };
}

function processRow({ name, state, pid, rssBytes, models }: WorkerView): WorkerRow {
  return {
    name,
    state: state === 'closed' ? 'exited' : state,
    pid,
    device: name.split('/')[0],
    memoryBytes: rssBytes > 0 ? rssBytes : undefined,
    models,
  };
}

export function pressureView(pressure: Pressure, strain: Strain): PressureView {
  return { ...strain, steps: STEPS.map(step => ({ step, isOff: pressure.isOff(step) })) };
}
