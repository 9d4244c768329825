/** Stands for `src/worker/run-thread.ts`: loads and runs on the thread it is called on. */
import { GatewayError } from '../../src/errors.ts';
import { AttachedSlot } from '../../src/worker/attached-slot.ts';
import { toFailure } from '../../src/worker/error-text.ts';
import type { Command, CommandReply } from '../../src/worker/run-messages.ts';
import { type LoadedSession, loadSession, runSession } from '../../src/worker/session.ts';
import type { Slot } from '../../src/worker/slot.ts';

export class RunThread {
  #loaded: LoadedSession | undefined;
  #slots: readonly AttachedSlot[] = [];
  busy = false;

  async command(command: Command): Promise<Exclude<CommandReply, { kind: 'failed' }>> {
    if (command.kind === 'load') {
      this.#loaded = await loadSession(command.order).catch(error => {
        throw asError(error, 'invalid', 'model cannot be loaded');
      });
      return { kind: 'loaded', signature: this.#loaded.signature };
    }
    if (command.kind === 'slots') {
      const { signature } = this.#current();
      this.#slots = command.slots.map(buffers => new AttachedSlot(buffers, signature));
    } else {
      await this.#loaded?.session.release();
      this.#loaded = undefined;
    }
    return { kind: 'done' };
  }

  async run(slot: Slot): Promise<readonly Uint8Array[] | undefined> {
    this.busy = true;
    const attached = this.#slots[slot.index] as AttachedSlot;
    if (attached.awaitsInput) attached.takeInput(slot.newInput().input, slot.generation);
    try {
      const startedAt = performance.now();
      const outputs = attached.outputsAsked();
      const results = await runSession(this.#current().session, attached.feeds(), outputs);
      return attached.answer(results, performance.now() - startedAt);
    } catch (error) {
      throw asError(error, 'model-failed', 'model failed');
    } finally {
      this.busy = false;
    }
  }

  #current(): LoadedSession {
    if (this.#loaded === undefined) throw new Error('no session');
    return this.#loaded;
  }
}

function asError(thrown: unknown, code: 'model-failed' | 'invalid', prefix: string): GatewayError {
  const failure = toFailure(thrown, code, prefix);
  return new GatewayError(failure.code, failure.message);
}
