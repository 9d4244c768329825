/**
 * Ends a worker that holds too much memory: a request of twenty bytes can ask a model for gigabytes, and the kernel
 * would take its time, and perhaps another process.
 */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { totalmem } from 'node:os';

/** While something runs there, ms; one look takes 4 µs. */
const LOOK_MS = 100;
/** While nothing does. */
const LOOK_IDLE_MS = 2000;
/** Of what there is; the rest is the gateway's and the kernel's. */
const SHARE = 0.8;
const PAGE_BYTES = pageBytes();

/** Where a worker may hold no more than the machine, or the container, can bear, bytes. */
export function defaultMemoryCap(
  total = totalmem(),
  constrained: number | undefined = process.constrainedMemory(),
): number {
  // No limit is told as 0, or as more than there is.
  const limit = constrained === undefined || constrained <= 0 ? total : Math.min(total, constrained);
  return Math.floor(SHARE * limit);
}

/** In words, for operators. */
export function tooLarge(bytes: number, maxBytes: number): string {
  const mib = (value: number) => Math.round(value / 2 ** 20);
  return `the process holds ${mib(bytes)} MiB of ${mib(maxBytes)} allowed`;
}

export interface MemoryWatchOptions {
  readonly pid: number;
  readonly maxBytes: number;
  /** Does anything run there? */
  readonly isBusy: () => boolean;
  /** Told once, after which it looks no more. */
  readonly exceeded: (bytes: number) => void;
}

/** Looks at one process's resident size from when it is made until `stop`, or until it is gone or was too large. */
export class MemoryWatch {
  readonly #options: MemoryWatchOptions;
  readonly #statm: number | undefined;
  readonly #line = Buffer.alloc(128);
  #timer: NodeJS.Timeout | undefined;
  #sinceLookMs = 0;

  constructor(options: MemoryWatchOptions) {
    this.#options = options;
    this.#statm = openStatm(options.pid);
    if (this.#statm !== undefined) this.#timer = setInterval(() => this.#tick(), LOOK_MS).unref();
  }

  stop(): void {
    if (this.#timer === undefined || this.#statm === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    closeSync(this.#statm);
  }

  #tick(): void {
    this.#sinceLookMs += LOOK_MS;
    if (this.#sinceLookMs < LOOK_IDLE_MS && !this.#options.isBusy()) return;
    this.#sinceLookMs = 0;
    const bytes = this.#residentBytes();
    if (bytes !== undefined && bytes <= this.#options.maxBytes) return;
    this.stop();
    if (bytes !== undefined) this.#options.exceeded(bytes);
  }

  /** Undefined when the process is gone. */
  #residentBytes(): number | undefined {
    try {
      const length = readSync(this.#statm as number, this.#line, 0, this.#line.length, 0);
      return Number(this.#line.toString('latin1', 0, length).split(' ')[1]) * PAGE_BYTES;
    } catch {
      return undefined;
    }
  }
}

/** Undefined where the system does not tell, or the process is gone. */
function openStatm(pid: number): number | undefined {
  try {
    return openSync(`/proc/${pid}/statm`, 'r');
  } catch {
    return undefined;
  }
}

/** Of this very process both are known: pages in statm, and bytes. */
function pageBytes(): number {
  try {
    const pages = Number(readFileSync('/proc/self/statm', 'latin1').split(' ')[1]);
    const size = process.memoryUsage.rss() / pages;
    return 2 ** Math.round(Math.log2(size));
  } catch {
    return 4096;
  }
}
