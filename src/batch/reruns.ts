import type { Entry } from './entry.ts';
import type { Where } from './recovery.ts';
import type { Piece } from './shape-queue.ts';

/** Rows of a failed batch that are to run again, together and with no others. */
export interface Rerun {
  readonly pieces: readonly Piece[];
  readonly where: Where;
  /** As in `Past`, so far. */
  readonly deaths: number;
  readonly misses: number;
  /** The signature that their batch had. */
  readonly key: string;
  /** As of their batch. */
  readonly usualMs?: number | undefined;
  /** Beside a run of the same rows that goes on; its failure is nobody's. */
  readonly isHedge?: boolean;
}

/**
 * What waits to run again, before everything that has not run yet; first come, first served. Bounded by what ran, and by
 * how many may be tried apart. `forgotten` is told whose rows were to run apart, and are not, as nobody waits any more.
 */
export class Reruns {
  readonly #waiting: Record<Where, Rerun[]> = { anywhere: [], apart: [] };
  readonly #forgotten: (entry: Entry) => void;

  constructor(forgotten: (entry: Entry) => void) {
    this.#forgotten = forgotten;
  }

  count(where: Where): number {
    return this.#waiting[where].length;
  }

  has(where: Where): boolean {
    return this.#waiting[where].length > 0;
  }

  get isEmpty(): boolean {
    return !this.has('anywhere') && !this.has('apart');
  }

  add(rerun: Rerun): void {
    this.#waiting[rerun.where].push(rerun);
  }

  /** The next with anybody left who waits for it, and of it only those. */
  take(where: Where): Rerun | undefined {
    for (;;) {
      const rerun = this.#waiting[where].shift();
      const alive = rerun && this.#withoutSettled(rerun);
      if (rerun === undefined || alive !== undefined) return alive;
    }
  }

  /** Forgets what was to run there; what of it was still waited for. */
  clear(where: Where): Piece[] {
    const pieces = this.#waiting[where].flatMap(rerun => rerun.pieces);
    this.#waiting[where] = [];
    return pieces.filter(({ entry }) => entry.state !== 'settled');
  }

  /** Forgets what nobody waits for any more. */
  prune(): void {
    for (const where of ['anywhere', 'apart'] as const) {
      if (!this.has(where)) continue;
      this.#waiting[where] = this.#waiting[where].flatMap(rerun => this.#withoutSettled(rerun) ?? []);
    }
  }

  #withoutSettled(rerun: Rerun): Rerun | undefined {
    const pieces = rerun.pieces.filter(({ entry }) => entry.state !== 'settled');
    if (pieces.length === rerun.pieces.length) return rerun;
    if (rerun.where === 'apart')
      for (const { entry } of rerun.pieces) if (entry.state === 'settled') this.#forgotten(entry);
    return pieces.length === 0 ? undefined : { ...rerun, pieces };
  }
}
