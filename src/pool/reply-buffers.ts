/**
 * Memory for large replies, used again once nobody looks at it any more. A new buffer a reply costs its page faults
 * and, being external memory, has V8 mark the whole heap every few megabytes.
 */
import type { Lease } from '../inference.ts';

/** Kept for later, all buffers together. */
const MAX_KEPT_BYTES = 64 * 1024 * 1024;
/** A larger one is not kept. */
const MAX_BUFFER_BYTES = 32 * 1024 * 1024;
/** Sizes between one power of two and the next. */
const STEPS = 4;
/** What has not been used for one to two of these is let go. */
const IDLE_MS = 10_000;

interface Kept {
  readonly memory: Buffer;
  /** The sweep before which it was given back. */
  readonly sweep: number;
}

/** Bytes of memory on loan: `bytes` is valid until everyone has let go. */
export interface ReplyLease extends Lease {
  readonly bytes: Buffer;
}

/**
 * Buffers on loan are counted by whoever holds them alone; here are those that were given back, the latest last. One
 * that never comes back is the garbage collector's.
 */
export class ReplyBuffers {
  readonly #kept: Kept[] = [];
  #keptBytes = 0;
  #sweeps = 0;
  #timer: NodeJS.Timeout | undefined;

  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** With anything in it, held once. */
  take(bytes: number): ReplyLease {
    const size = sizeFor(bytes);
    for (let i = this.#kept.length - 1; i >= 0; i--) {
      const { memory } = this.#kept[i] as Kept;
      if (memory.byteLength !== size) continue;
      this.#drop(i);
      return new HeldBuffer(this, memory, bytes);
    }
    return new HeldBuffer(this, Buffer.allocUnsafeSlow(size), bytes);
  }

  /** For the last holder alone. */
  give(memory: Buffer): void {
    // Empty once it was moved to another thread.
    if (memory.byteLength === 0 || memory.byteLength > MAX_BUFFER_BYTES) return;
    this.#kept.push({ memory, sweep: this.#sweeps });
    this.#keptBytes += memory.byteLength;
    while (this.#keptBytes > MAX_KEPT_BYTES) this.#drop(0);
    this.#timer ??= setInterval(() => this.#sweep(), IDLE_MS).unref();
  }

  #sweep(): void {
    while (this.#kept.length > 0 && (this.#kept[0] as Kept).sweep < this.#sweeps) this.#drop(0);
    this.#sweeps++;
    if (this.#kept.length > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #drop(index: number): void {
    const [dropped] = this.#kept.splice(index, 1);
    this.#keptBytes -= dropped?.memory.byteLength ?? 0;
  }
}

class HeldBuffer implements ReplyLease {
  readonly bytes: Buffer;
  readonly #buffers: ReplyBuffers;
  readonly #memory: Buffer;
  #holders = 1;

  constructor(buffers: ReplyBuffers, memory: Buffer, bytes: number) {
    this.#buffers = buffers;
    this.#memory = memory;
    this.bytes = memory.subarray(0, bytes);
  }

  hold(): void {
    if (this.#holders === 0) throw new Error('this is a bug: memory is held that was let go');
    this.#holders++;
  }

  release(): void {
    if (this.#holders === 0) throw new Error('this is a bug: memory was let go twice');
    if (--this.#holders === 0) this.#buffers.give(this.#memory);
  }
}

/** The next of four sizes between powers of two: at most a quarter is unused. */
function sizeFor(bytes: number): number {
  const step = 2 ** Math.floor(Math.log2(bytes)) / STEPS;
  return Math.ceil(bytes / step) * step;
}
