/** Which version of a model answers: a number, a label, or the default. A pure decision over what is loaded. */
import { GatewayError } from '../errors.ts';
import type { Route, VersionState } from '../events.ts';

/** A model as routing sees it. */
export interface RoutableModel {
  readonly name: string;
  /** Every version known, in any order, with its state. */
  readonly versions: ReadonlyMap<string, { readonly state: VersionState }>;
  /** The version named stable in the configuration; undefined: the highest ready one. */
  readonly stable: string | undefined;
  readonly labels: ReadonlyMap<string, string>;
}

export interface Choice {
  readonly version: string;
  readonly route: Route;
}

/**
 * The version for `asked` (a number, a label, or undefined for the default).
 * Throws `not-found` for what does not exist, `unavailable` for what exists and cannot answer now.
 */
export function chooseVersion(model: RoutableModel, asked: string | undefined): Choice {
  if (asked === undefined) return chooseDefault(model);
  if (model.versions.has(asked)) return { version: requireReady(model, asked), route: 'pinned' };
  const labelled = model.labels.get(asked);
  if (labelled !== undefined) return { version: requireReady(model, labelled), route: 'label' };
  throw new GatewayError('not-found', `'${model.name}' version ${asked} is not found`);
}

function chooseDefault(model: RoutableModel): Choice {
  if (model.stable !== undefined) return { version: requireReady(model, model.stable), route: 'stable' };
  let highest: string | undefined;
  for (const [version, { state }] of model.versions) {
    if (state === 'READY' && (highest === undefined || Number(version) > Number(highest))) highest = version;
  }
  if (highest !== undefined) return { version: highest, route: 'stable' };
  if ([...model.versions.values()].some(({ state }) => state === 'LOADING')) {
    throw new GatewayError('unavailable', `'${model.name}' is still loading`, { retryAfterMs: 1000 });
  }
  throw new GatewayError('not-found', `'${model.name}' has no available versions`);
}

function requireReady(model: RoutableModel, version: string): string {
  const state = model.versions.get(version)?.state;
  if (state === 'READY') return version;
  // One that is on its way out takes nothing new, as if it had gone: who waits and comes again finds no more.
  if (state === undefined || state === 'UNLOADING') {
    throw new GatewayError('not-found', `'${model.name}' version ${version} is not found`);
  }
  throw new GatewayError('unavailable', `'${model.name}' version ${version} is not at ready state`, {
    retryAfterMs: 1000,
  });
}
