/** Versions that only remotes run. */
import { GatewayError } from '../../src/errors.ts';
import type { VersionSpec } from '../../src/pool/version-spec.ts';

export function remoteSpec(remotes: VersionSpec['remotes'], over: Partial<VersionSpec> = {}): VersionSpec {
  return {
    model: 'double',
    version: '1',
    content: { file: '', sha256: '', externalData: [] },
    maxBatchSize: undefined,
    batchSizes: [],
    derivedMaxBatchSize: 4,
    warmup: [],
    instances: [],
    remotes: remotes ?? [],
    isolation: 'shared',
    longestRunMs: 20_000,
    ...over,
  };
}

export const failsWith =
  (code: string, words = /./) =>
  (error: unknown): boolean =>
    error instanceof GatewayError && error.code === code && words.test(error.message);
