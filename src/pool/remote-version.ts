/**
 * One version on a server elsewhere: seats that run batches over the network, and the watch that opens and shuts them.
 *
 * It is open once the server has said it is ready, has shown the same signature and has run the version's sample. A
 * connection that breaks under a run shuts it at once, readiness that fails three times in a row does too, and the
 * same three proofs open it again. A remote cannot be killed: a run that takes too long is given up.
 */
import type { BreakerState } from '../breaker.ts';
import { GatewayError } from '../errors.ts';
import type { Events } from '../events.ts';
import type { Execution, ExecutionResult, ModelSignature } from '../inference.ts';
import { RemoteClient } from './remote-client.ts';
import { overloadedThere, whyBroken } from './remote-failure.ts';
import { type RemoteSpec, shownUrl } from './remote-spec.ts';
import type { Scheduler } from './scheduler.ts';
import type { ServingSeats } from './serving-seats.ts';
import { signatureMismatch } from './signature-mismatch.ts';
import { Throttle } from './throttle.ts';
import { type BreakerSettings, VersionBreaker } from './version-breaker.ts';
import { isWorkerGone, workerGone, workerGoneBefore } from './worker-failure.ts';

export interface RemoteVersionOptions {
  readonly spec: RemoteSpec;
  readonly client: RemoteClient;
  readonly model: string;
  readonly version: string;
  /** A run that takes longer is given up, ms. */
  readonly longestRunMs: number;
  readonly scheduler: Scheduler;
  readonly breaker: BreakerSettings;
  readonly events: Events;
  /** In [0, 1), for jitter. */
  readonly random: () => number;
  /** Between two looks at one that answers; the jitter is a fifth of it either way. */
  readonly lookEveryMs: number;
}

export interface RemoteView {
  readonly url: string;
  readonly state: 'ready' | 'unreachable';
  /** Why it is not ready; ''. */
  readonly detail: string;
  readonly model: string;
  readonly version: string;
  readonly concurrency: number;
}

const LOOK_LIMIT_MS = 2000;
const MISSES_TO_SHUT = 3;

export class RemoteVersion implements ServingSeats {
  readonly model: string;
  readonly version: string;
  readonly worker: string;
  readonly kind: string;
  readonly device: string;
  readonly weight = 1;
  readonly total: number;
  readonly breaker: VersionBreaker;
  breakerChanged: (state: BreakerState, reason: string) => void = () => undefined;
  inUse = 0;
  readonly client: RemoteClient;
  readonly #options: RemoteVersionOptions;
  readonly #throttle: Throttle;
  readonly #closing = new AbortController();
  #signature: ModelSignature | undefined;
  #sample: Execution | undefined;
  #isUp = false;
  #why = 'not asked yet';
  #told = '';
  #shutSinceMs = performance.now();
  #misses = 0;
  #looking = false;
  #timer: NodeJS.Timeout | undefined;
  #running = 0;
  #drained: (() => void) | undefined;

  constructor(options: RemoteVersionOptions) {
    const { spec, client, model, version, longestRunMs, scheduler, breaker, random } = options;
    this.#options = options;
    this.client = client;
    this.model = model;
    this.version = version;
    this.worker = shownUrl(spec.url);
    this.kind = `remote ${this.worker}`;
    this.device = `${this.worker} ${model}`;
    this.total = spec.concurrency;
    this.#throttle = new Throttle(() => performance.now(), random);
    scheduler.setCapacity(this.device, spec.concurrency);
    this.breaker = new VersionBreaker({
      ...breaker,
      random,
      trySample: () => this.#prove(),
      isUp: () => this.#isUp,
      trialLimitMs: longestRunMs,
      changed: (state, reason) => {
        if (state === 'closed') scheduler.wake();
        this.breakerChanged(state, reason);
      },
    });
  }

  get open(): boolean {
    return this.#isUp && this.breaker.isClosed;
  }

  get shutSinceMs(): number | undefined {
    return this.#isUp ? undefined : this.#shutSinceMs;
  }

  view(): RemoteView {
    const { worker: url, model, version, total: concurrency } = this;
    return {
      url,
      state: this.#isUp ? 'ready' : 'unreachable',
      detail: this.#isUp ? '' : this.#why,
      model,
      version,
      concurrency,
    };
  }

  /** Its signature, where nobody else says what it must be; notices whether it speaks binary tensors. */
  async introduce(): Promise<ModelSignature> {
    const signal = this.#limit(LOOK_LIMIT_MS);
    await this.client.ready(signal);
    this.client.binary = await this.client.saysBinary(signal);
    return this.client.metadata(signal);
  }

  /** Nobody's request: for getting to know the version. */
  async try(execution: Execution): Promise<ExecutionResult> {
    const signal = this.#limit(this.#options.longestRunMs);
    try {
      return await this.client.infer(execution, signal);
    } catch (error) {
      if (!this.client.binary || !isRefusedForm(error)) throw error;
      // It announced what it does not do.
      this.client.binary = false;
      return this.client.infer(execution, signal);
    }
  }

  /** Begins to watch it. Resolves after the first look. */
  async watch(signature: ModelSignature, sample: Execution | undefined): Promise<void> {
    this.#signature = signature;
    this.#sample = sample;
    await this.#look();
  }

  async run(execution: Execution): Promise<ExecutionResult> {
    if (!this.open) throw workerGoneBefore();
    if (!this.#throttle.admits()) throw overloadedThere('refused here, as it refused others');
    const startedMs = performance.now();
    const run = this.breaker.begin();
    this.#running++;
    try {
      const result = await this.client.infer(execution, this.#limit(this.#options.longestRunMs));
      this.#throttle.accepted();
      this.breaker.succeeded(run, performance.now() - startedMs);
      return result;
    } catch (thrown) {
      const error = GatewayError.from(thrown);
      if (error.code !== 'overloaded') this.#throttle.accepted();
      this.breaker.failed(run, error, execution);
      if (isWorkerGone(error)) this.#lost(error);
      throw error;
    } finally {
      this.#running--;
      if (this.#running === 0) this.#drained?.();
    }
  }

  /** Lets what runs finish, then lets the connections go. */
  async unload(): Promise<void> {
    this.#stop();
    if (this.#running > 0) {
      await new Promise<void>(resolve => {
        this.#drained = resolve;
      });
    }
    this.#end();
  }

  /** Now; what runs rejects. */
  close(): void {
    this.#stop();
    this.#end();
  }

  #stop(): void {
    this.#isUp = false;
    if (this.#told !== '') this.#tell('exited', 'unloaded');
    clearTimeout(this.#timer);
    this.breaker.shutDown();
  }

  #end(): void {
    this.#closing.abort();
    this.client.destroy(workerGone());
  }

  #limit(ms: number): AbortSignal {
    return AbortSignal.any([AbortSignal.timeout(ms), this.#closing.signal]);
  }

  #lost(error: GatewayError): void {
    this.#shut(whyBroken(error));
    clearTimeout(this.#timer);
    void this.#look();
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      if (this.#isUp) await this.client.ready(this.#limit(LOOK_LIMIT_MS));
      else await this.#prove();
      this.#misses = 0;
      this.#rise();
    } catch (error) {
      if (++this.#misses >= MISSES_TO_SHUT || !this.#isUp) this.#shut(whyBroken(error));
    }
    this.#looking = false;
    if (this.#closing.signal.aborted) return;
    const { lookEveryMs, random } = this.#options;
    this.#timer = setTimeout(() => void this.#look(), lookEveryMs * (0.8 + 0.4 * random())).unref();
  }

  async #prove(): Promise<void> {
    const signature = await this.introduce();
    const mismatch = this.#signature && signatureMismatch(this.#signature, signature);
    if (mismatch !== undefined) throw new GatewayError('invalid', mismatch);
    if (this.#sample !== undefined) await this.try(this.#sample);
  }

  #rise(): void {
    if (this.#isUp || this.#closing.signal.aborted) return;
    this.#isUp = true;
    this.#tell('ready', '');
    this.#options.scheduler.wake();
  }

  #shut(why: string): void {
    if (this.#closing.signal.aborted) return;
    this.#why = why;
    if (this.#isUp) {
      this.#shutSinceMs = performance.now();
      this.breaker.workerShut();
    }
    this.#isUp = false;
    this.#tell('unreachable', why);
  }

  /** The same is told once, however often it is looked at. */
  #tell(state: 'ready' | 'unreachable' | 'exited', detail: string): void {
    const told = `${state} ${detail}`;
    if (told === this.#told) return;
    this.#told = told;
    this.#options.events.emit('worker:changed', { worker: this.worker, state, pid: undefined, detail });
  }
}

/** What a server answers that cannot read binary tensors. */
function isRefusedForm(error: unknown): boolean {
  return (
    error instanceof GatewayError &&
    error.code === 'internal' &&
    error.cause instanceof Error &&
    /answered (400|415|422)/.test(error.cause.message)
  );
}

/** The remotes of a version, not watched yet. Rejects with `invalid` where a file of one cannot be read. */
export async function openRemotes(
  specs: readonly RemoteSpec[],
  options: Omit<RemoteVersionOptions, 'spec' | 'client'>,
): Promise<RemoteVersion[]> {
  const clients = await Promise.all(specs.map(spec => RemoteClient.open(spec, options.model)));
  return specs.map((spec, i) => new RemoteVersion({ ...options, spec, client: clients[i] as RemoteClient }));
}
