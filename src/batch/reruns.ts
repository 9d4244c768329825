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

/** What waits to run again, before everything that has not run yet; first come, first served. Bounded by what ran. */
export class Reruns {
  readonly #waiting: Record<Where, Rerun[]> = { anywhere: [], apart: [] };

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
      const alive = rerun && withoutSettled(rerun);
      if (rerun === undefined || alive !== undefined) return alive;
    }
  }

  /** Forgets everything; what of it was still waited for. */
  clear(): Piece[] {
    const pieces = [...this.#waiting.anywhere, ...this.#waiting.apart].flatMap(rerun => rerun.pieces);
    this.#waiting.anywhere = [];
    this.#waiting.apart = [];
    return pieces.filter(({ entry }) => entry.state !== 'settled');
  }

  /** Forgets what nobody waits for any more. */
  prune(): void {
    for (const where of ['anywhere', 'apart'] as const) {
      if (!this.has(where)) continue;
      this.#waiting[where] = this.#waiting[where].flatMap(rerun => withoutSettled(rerun) ?? []);
    }
  }
}

function withoutSettled(rerun: Rerun): Rerun | undefined {
  const pieces = rerun.pieces.filter(({ entry }) => entry.state !== 'settled');
  if (pieces.length === 0) return undefined;
  return pieces.length === rerun.pieces.length ? rerun : { ...rerun, pieces };
}
