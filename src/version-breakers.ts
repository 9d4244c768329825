/** The breakers of all versions, as operators see them and hold them open. */
import type { BreakerRow, WantedBreaker } from './admin/service.ts';
import type { VersionExecutor } from './pool/version-executor.ts';
import type { ServingVersion } from './serving-version.ts';

interface Serving {
  readonly model: string;
  readonly version: string;
  readonly loaded: Pick<ServingVersion, 'unit'>;
}

export function breakerRows(serving: Iterable<Serving>): BreakerRow[] {
  return [...serving].flatMap(({ model, version, loaded }) =>
    loaded.unit.executor.breakers().map(breaker => ({ model, version, ...breaker })),
  );
}

/** Why a version is asked on fewer workers than it has, or on none, or may soon be; ''. */
export function breakerReason(executor: Pick<VersionExecutor, 'breakers' | 'quarantines'>): string {
  const open = executor.breakers().filter(({ state }) => state !== 'closed');
  return [
    ...executor.quarantines().map(({ worker, reason }) => `on ${worker} ${reason}`),
    ...open.map(({ worker, reason }) => `breaker open on ${worker}: ${reason}`),
  ].join('; ');
}

/** Which versions were opened by hand: what is loaded anew is opened again. For as long as this process lives. */
export class HeldBreakers {
  readonly #reasons = new Map<string, string>();

  set(model: string, version: string, executor: VersionExecutor, wanted: WantedBreaker): void {
    const key = JSON.stringify([model, version]);
    if (wanted.state === 'open') this.#reasons.set(key, wanted.reason);
    else this.#reasons.delete(key);
    this.#apply(executor, wanted);
  }

  /** Call when the version was loaded. */
  loaded(model: string, version: string, executor: VersionExecutor): void {
    const reason = this.#reasons.get(JSON.stringify([model, version]));
    if (reason !== undefined) this.#apply(executor, { state: 'open', reason });
  }

  #apply(executor: VersionExecutor, wanted: WantedBreaker): void {
    if (wanted.state === 'open') executor.openBreakers(wanted.reason);
    else executor.closeBreakers();
  }
}
