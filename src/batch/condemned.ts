import { GatewayError } from '../errors.ts';

/** How long an input that took workers down is remembered. */
const REFUSED_MS = 600_000;
/** Inputs remembered; beyond it the oldest is forgotten. */
const MOST = 1024;

/**
 * Inputs of one version that took their worker down, by hash: those that did it twice, alone, are refused; those under
 * which one died, and nobody waited any more to have them run apart, are suspects: the next of them runs apart at once.
 */
export class Condemned {
  readonly #refusedUntil = new Map<string, number>();
  readonly #suspectedUntil = new Map<string, number>();

  get isEmpty(): boolean {
    return this.#refusedUntil.size === 0;
  }

  get hasSuspects(): boolean {
    return this.#suspectedUntil.size > 0;
  }

  /** `now`, ms, as everywhere here. */
  add(hash: string, now: number): void {
    this.#suspectedUntil.delete(hash);
    remember(this.#refusedUntil, hash, now);
  }

  suspect(hash: string, now: number): void {
    remember(this.#suspectedUntil, hash, now);
  }

  acquit(hash: string): void {
    this.#suspectedUntil.delete(hash);
  }

  isSuspect(hash: string, now: number): boolean {
    const until = this.#suspectedUntil.get(hash);
    if (until === undefined || until > now) return until !== undefined;
    this.#suspectedUntil.delete(hash);
    return false;
  }

  /** The refusal of an input that is remembered. */
  refusal(hash: string, now: number): GatewayError | undefined {
    const until = this.#refusedUntil.get(hash);
    if (until === undefined) return undefined;
    if (until > now) return condemnedError(until - now);
    this.#refusedUntil.delete(hash);
    return undefined;
  }
}

function remember(untilByHash: Map<string, number>, hash: string, now: number): void {
  untilByHash.delete(hash);
  untilByHash.set(hash, now + REFUSED_MS);
  if (untilByHash.size <= MOST) return;
  for (const oldest of untilByHash.keys()) {
    untilByHash.delete(oldest);
    return;
  }
}

export function condemnedError(forMs = REFUSED_MS): GatewayError {
  const seconds = Math.ceil(forMs / 1000);
  return new GatewayError(
    'model-failed',
    `running this input took its worker process down twice: it is refused for ${seconds} s`,
  );
}
