/** One load order and the seats it makes on a worker: what a worker must run again after it was replaced. */
import type { Execution, ExecutionResult } from '../inference.ts';
import type { LoadOrder } from '../protocol/load-order.ts';
import type { Seats } from './fair-share.ts';
import type { WarmUpRun } from './run-times.ts';
import { versionPath, type WorkerClient } from './worker-client.ts';
import { isWorkerGone, workerGoneBefore } from './worker-failure.ts';

export interface HostedVersionOptions {
  readonly model: string;
  /** As operators know it; the worker knows it by the order's version. */
  readonly version: string;
  readonly order: LoadOrder;
  readonly device: string;
  readonly weight: number;
  /** One run for every batch size, to be made on every instance. */
  readonly warmUp: readonly WarmUpRun[];
  /** As in `VersionSpec`. */
  readonly longestRunMs: number | undefined;
}

export class HostedVersion implements Seats {
  readonly model: string;
  readonly version: string;
  readonly order: LoadOrder;
  readonly warmUp: readonly WarmUpRun[];
  readonly device: string;
  readonly weight: number;
  readonly total: number;
  readonly path: string;
  /** `cpu`, `cpu×4` with four threads a run, `cuda`: latencies of one kind are alike. */
  readonly kind: string;
  readonly #longestRunMs: number;
  inUse = 0;
  open = false;
  #shutSinceMs = performance.now();
  #client: WorkerClient | undefined;
  #lost: () => void = () => undefined;
  /** When each run under way began, on the `performance.now()` clock. */
  readonly #startedMs: number[] = [];
  #drained: (() => void) | undefined;

  constructor(options: HostedVersionOptions) {
    const { model, version, order, device, weight, warmUp, longestRunMs } = options;
    this.model = model;
    this.version = version;
    this.order = order;
    this.device = device;
    this.weight = weight;
    this.warmUp = warmUp;
    this.#longestRunMs = longestRunMs ?? 0;
    this.total = order.instances;
    this.path = versionPath(model, order.version);
    this.kind = order.intraOpThreads > 1 ? `${order.kind}×${order.intraOpThreads}` : order.kind;
  }

  get running(): number {
    return this.#startedMs.length;
  }

  /** Whether a run under way takes longer than `anyMs`, ms, and longer than this version may. */
  hangs(nowMs: number, anyMs: number): boolean {
    const allowedMs = Math.max(anyMs, this.#longestRunMs);
    return this.#startedMs.some(startedMs => nowMs - startedMs > allowedMs);
  }

  /** Takes work through this client from now on; `lost` hears of a connection that broke under a run. */
  openOn(client: WorkerClient, lost: () => void): void {
    this.#client = client;
    this.#lost = lost;
    this.open = true;
  }

  /** Since when it takes no work, on the `performance.now()` clock; undefined while it does. */
  get shutSinceMs(): number | undefined {
    return this.open ? undefined : this.#shutSinceMs;
  }

  /** Takes no more work; what runs goes on. */
  shut(): void {
    if (!this.open) return;
    this.open = false;
    this.#shutSinceMs = performance.now();
  }

  async run(execution: Execution): Promise<ExecutionResult> {
    // Between grant and execution the worker may have died.
    if (!this.open || this.#client === undefined) throw workerGoneBefore();
    const startedMs = performance.now();
    this.#startedMs.push(startedMs);
    try {
      return await this.#client.infer(this.path, execution);
    } catch (error) {
      if (isWorkerGone(error)) this.#lost();
      throw error;
    } finally {
      this.#startedMs.splice(this.#startedMs.indexOf(startedMs), 1);
      if (this.#startedMs.length === 0) this.#drained?.();
    }
  }

  /** Resolves when nothing runs here any more. */
  drained(): Promise<void> {
    if (this.running === 0) return Promise.resolve();
    return new Promise(resolve => {
      this.#drained = resolve;
    });
  }
}
