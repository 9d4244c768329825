/** What the catalog knows of each model and version. Values: a new one is published at every change. */
import { createHash } from 'node:crypto';
import type { DeclaredTensors } from '../config/declared-tensors.ts';
import { reloadKey } from '../config/model-config.ts';
import type { ModelConfig } from '../config/model-options.ts';
import { GatewayError } from '../errors.ts';
import type { ExternalFile, RepositoryModel, RepositoryVersion } from './repository-snapshot.ts';

/** Everything that loading one version needs. */
export interface CatalogSpec {
  readonly model: string;
  readonly version: string;
  /** Absolute path; the loader checks that it holds `sha256`. */
  readonly file: string;
  readonly sha256: string;
  readonly externalData: readonly ExternalFile[];
  /** Names the content, external data included; what a cache key holds. */
  readonly contentSha256: string;
  readonly config: ModelConfig;
  /** What a Triton configuration says of the tensors, for `declarationMismatch`. */
  readonly declared: DeclaredTensors | undefined;
}

export type VersionEntry<L> =
  | { readonly state: 'LOADING' }
  | {
      readonly state: 'READY';
      readonly loaded: L;
      readonly contentSha256: string;
      /** Why newer content or settings of this version are not what serves; ''. */
      readonly refused: string;
    }
  | { readonly state: 'UNLOADING' }
  | { readonly state: 'UNAVAILABLE'; readonly reason: string };

export interface CatalogModel<L> {
  readonly name: string;
  /** What is in force: where the newest one was refused, the one before it. */
  readonly config: ModelConfig;
  readonly origins: ReadonlyMap<string, string>;
  readonly unsupported: readonly string[];
  readonly classLabels: ReadonlyMap<string, readonly string[]>;
  /** Why what the folder says now is not, or not wholly, in force; ''. */
  readonly problem: string;
  /** Ascending. */
  readonly versions: ReadonlyMap<string, VersionEntry<L>>;
}

export function specOf(model: RepositoryModel, version: RepositoryVersion): CatalogSpec {
  const { file, sha256, externalData } = version;
  return {
    ...{ model: model.name, version: version.version, file, sha256, externalData },
    ...{ contentSha256: contentHash(version), config: model.config, declared: model.declared },
  };
}

function contentHash({ sha256, externalData }: RepositoryVersion): string {
  if (externalData.length === 0) return sha256;
  const hash = createHash('sha256').update(sha256);
  for (const { location, sha256: part } of externalData) hash.update(`\0${location}\0${part}`);
  return hash.digest('hex');
}

/** Equal for specs that would load the same thing in the same way. */
export function specKey({ contentSha256, config, file, declared }: CatalogSpec): string {
  return JSON.stringify([contentSha256, file, reloadKey(config), declared ?? null]);
}

/** A failure in words fit for the repository index: no paths, no stacks. */
export function reasonOf(error: unknown): string {
  if (error instanceof GatewayError && error.code !== 'internal') return error.message;
  return 'internal error while loading';
}
