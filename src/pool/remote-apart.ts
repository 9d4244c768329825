/** Runs apart where no instance is this gateway's own: there is no process to have alone, so another remote takes them. */
import { GatewayError } from '../errors.ts';
import type { Execution, ExecutionResult, Slot } from '../inference.ts';
import type { Apart } from './serving-seats.ts';

/**
 * Once: a connection that breaks again says little about the rows, so they fail as unavailable and are not condemned.
 * The remote that was lost is shut until it has proved itself, so it is another's turn unless it is the only one.
 */
export class RemoteApart implements Apart {
  readonly #acquire: Apart['acquire'];

  constructor(acquire: Apart['acquire']) {
    this.#acquire = acquire;
  }

  acquire(grant: (slot: Slot) => void): () => void {
    return this.#acquire(slot => grant(new OnceSlot(slot)));
  }
}

class OnceSlot implements Slot {
  readonly #slot: Slot;

  constructor(slot: Slot) {
    this.#slot = slot;
  }

  get kind(): string {
    return this.#slot.kind;
  }

  async execute(execution: Execution, usualMs?: number): Promise<ExecutionResult> {
    try {
      return await this.#slot.execute(execution, usualMs);
    } catch (error) {
      if (!(error instanceof GatewayError) || error.code !== 'worker-failed' || error.notRun) throw error;
      const { retryAfterMs = 1000 } = error;
      throw new GatewayError('unavailable', error.message, { cause: error, retryAfterMs });
    }
  }

  release(): void {
    this.#slot.release();
  }

  yieldNext(): boolean {
    return this.#slot.yieldNext();
  }
}
