/** The catalog as the operator's plane shows it. */
import type { CatalogModel, VersionEntry } from './catalog-entry.ts';
import type { ModelReport, SettingReport, VersionReport } from './models-table.ts';
import { ascending, defaultVersion } from './version-policy.ts';

/** What only the loaded version itself knows. */
export interface LoadedFacts {
  readonly instances: number;
  readonly maxBatchSize: number;
  readonly memoryBytes?: number;
}

export function describeModels<L>(
  models: readonly CatalogModel<L>[],
  facts: (loaded: L) => LoadedFacts,
): ModelReport[] {
  return models.map(model => {
    const ready = [...model.versions]
      .filter(([, { state }]) => state === 'READY')
      .map(([version]) => version);
    const answering = defaultVersion(model.config, ascending(ready));
    const versions = [...model.versions].map(
      ([version, entry]): VersionReport => ({
        ...{ version, state: entry.state, reason: reason(entry), isDefault: version === answering },
        labels: Object.entries(model.config.labels).flatMap(([label, named]) =>
          String(named) === version ? [label] : [],
        ),
        ...(entry.state === 'READY' ? { ...facts(entry.loaded), contentSha256: entry.contentSha256 } : {}),
      }),
    );
    const { name, problem, unsupported } = model;
    return { name, problem, unsupported, versions, settings: settings(model) };
  });
}

function reason<L>(entry: VersionEntry<L>): string {
  if (entry.state === 'READY') return entry.refused;
  return entry.state === 'UNAVAILABLE' ? entry.reason : '';
}

function settings<L>({ config, origins }: CatalogModel<L>): SettingReport[] {
  return [...origins].map(([key, origin]) => ({ key, value: valueAt(config, key), origin }));
}

/** `instances[0].count` of a configuration. A name with a dot in it, such as an input's, is not followed. */
function valueAt(config: unknown, key: string): unknown {
  return key.split(/[.[\]]+/).reduce<unknown>((value, part) => {
    if (part === '' || typeof value !== 'object' || value === null) return value;
    return Object.hasOwn(value, part) ? (value as Record<string, unknown>)[part] : undefined;
  }, config);
}
