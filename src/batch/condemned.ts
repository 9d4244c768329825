import { GatewayError } from '../errors.ts';

/** How long an input that took workers down is refused. */
const REFUSED_MS = 600_000;
/** Inputs remembered; beyond it the oldest is forgotten. */
const MOST = 1024;

/** Inputs of one version that took their worker down, alone, by hash. */
export class Condemned {
  readonly #until = new Map<string, number>();

  get isEmpty(): boolean {
    return this.#until.size === 0;
  }

  /** `now`, ms, as everywhere here. */
  add(hash: string, now: number): void {
    this.#until.delete(hash);
    this.#until.set(hash, now + REFUSED_MS);
    if (this.#until.size <= MOST) return;
    for (const oldest of this.#until.keys()) {
      this.#until.delete(oldest);
      return;
    }
  }

  /** The refusal of an input that is remembered. */
  refusal(hash: string, now: number): GatewayError | undefined {
    const until = this.#until.get(hash);
    if (until === undefined) return undefined;
    if (until > now) return condemnedError(until - now);
    this.#until.delete(hash);
    return undefined;
  }
}

export function condemnedError(forMs = REFUSED_MS): GatewayError {
  const seconds = Math.ceil(forMs / 1000);
  return new GatewayError(
    'model-failed',
    `running this input took its worker process down twice: it is refused for ${seconds} s`,
  );
}
