/** Which versions on disk are wanted, and what the names for them mean. Pure. */
import type { ModelConfig } from '../config/model-options.ts';

type Policy = Pick<ModelConfig, 'versions' | 'stable' | 'labels'> & Partial<Pick<ModelConfig, 'fallback'>>;

/** The versions to have loaded, ascending; always those that `stable`, `labels` and `fallback` name, as far as they exist. */
export function wantedVersions(policy: Policy, available: readonly string[]): string[] {
  const wanted = new Set([
    ...chosen(policy.versions, available),
    ...namedVersions(policy),
    ...fallbackVersion(policy),
  ]);
  return ascending(available.filter(version => wanted.has(version)));
}

function chosen(versions: Policy['versions'], available: readonly string[]): readonly string[] {
  if (versions === 'all') return available;
  if ('latest' in versions) return ascending(available).slice(-versions.latest);
  return versions.map(String);
}

/** Versions that requests are sent to by name. */
export function namedVersions({ stable, labels }: Pick<Policy, 'stable' | 'labels'>): Set<string> {
  const named = Object.values(labels).map(String);
  return new Set(stable === undefined ? named : [String(stable), ...named]);
}

/** Of its own that answers when others cannot. */
function fallbackVersion({ fallback }: Policy): readonly string[] {
  if (fallback?.version === undefined || fallback.model !== undefined) return [];
  return [String(fallback.version)];
}

export function ascending(versions: readonly string[]): string[] {
  return [...versions].sort((a, b) => Number(a) - Number(b));
}

export interface KeptRouting {
  readonly config: ModelConfig;
  /** Which keys still mean what they meant before, and why. */
  readonly refused: readonly string[];
}

/**
 * Moves `stable` and `labels` to a new configuration only where the version they name is ready: the others keep
 * naming the ready version they named before. A key that named no ready version before moves in any case.
 */
export function keepRouting(
  before: ModelConfig | undefined,
  next: ModelConfig,
  isReady: (version: string) => boolean,
): KeptRouting {
  const refused: string[] = [];
  const settle = (key: string, old: number | undefined, wanted: number): number => {
    if (isReady(String(wanted))) return wanted;
    refused.push(`${key}: version ${wanted} is not ready`);
    return old !== undefined && isReady(String(old)) ? old : wanted;
  };
  const labels = Object.fromEntries(
    Object.entries(next.labels).map(([label, wanted]) => [
      label,
      settle(`labels.${label}`, before?.labels[label], wanted),
    ]),
  );
  const stable = next.stable === undefined ? undefined : settle('stable', before?.stable, next.stable);
  return { config: stable === undefined ? { ...next, labels } : { ...next, labels, stable }, refused };
}
