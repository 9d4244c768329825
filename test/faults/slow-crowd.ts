/** Many connections that idle or are slow, in a process of their own: their sockets and work are not the caller's. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { inferPath, inferRequest } from '../../bench/support/oip.ts';
import type { Address } from '../../src/load/connection.ts';
import type { Count, Guests, Order } from './slow-crowd-child.ts';

/** Numbers in an answer to a reader: 8 MB, far more than the kernel holds of one connection. */
const LARGE = 2_000_000;
const FILE = fileURLToPath(new URL('slow-crowd-child.ts', import.meta.url));

export class SlowCrowd implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #address: Address;
  readonly #small: string;
  readonly #large: string;
  /** Rejects when the process ends. */
  readonly #failed: Promise<never>;

  constructor(address: Address) {
    this.#child = fork(FILE);
    this.#failed = once(this.#child, 'exit').then(() => {
      throw new Error('the process of slow clients has ended');
    });
    this.#failed.catch(() => undefined);
    this.#address = address;
    const small = { name: 'x', shape: [1, 64], values: new Float32Array(64) };
    const large = { name: 'length', shape: [1], values: BigInt64Array.of(BigInt(LARGE)) };
    this.#small = inferRequest(inferPath('other'), [small], 'binary').toString('base64');
    this.#large = inferRequest(inferPath('expand'), [large], 'binary').toString('base64');
  }

  /** Resolves once all are in their place. */
  open(guests: Partial<Guests>, { returns }: { readonly returns: boolean }): Promise<Count> {
    const [address, small, large] = [this.#address, this.#small, this.#large];
    return this.#obey({ order: 'open', address, small, large, guests, returns });
  }

  count(): Promise<Count> {
    return this.#obey({ order: 'count' });
  }

  close(): Promise<Count> {
    return this.#obey({ order: 'close' });
  }

  /** From now on it neither reads nor writes, nor ends anything: its kernel alone still answers. */
  freeze(): void {
    this.#child.kill('SIGSTOP');
  }

  async #obey(order: Order): Promise<Count> {
    this.#child.send(order);
    const [count] = (await Promise.race([once(this.#child, 'message'), this.#failed])) as [Count];
    return count;
  }

  async [Symbol.asyncDispose]() {
    const ended = once(this.#child, 'exit');
    if (this.#child.exitCode === null && this.#child.signalCode === null && this.#child.kill('SIGKILL'))
      await ended;
  }
}
