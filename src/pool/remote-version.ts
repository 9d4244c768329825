/**
 * One version on a server elsewhere: seats that run batches over the network while its watch says that it may be asked.
 *
 * It is open once the server has said it is ready, has shown the same signature and has run the version's sample. A
 * connection that breaks under a run shuts it at once, readiness that fails three times in a row does too, and the
 * same three proofs open it again. A remote cannot be killed: a run that takes too long is given up.
 */
import type { BreakerState } from '../breaker.ts';
import { GatewayError } from '../errors.ts';
import { type Events, STOPPED } from '../events.ts';
import type { Execution, ExecutionResult, ModelSignature } from '../inference.ts';
import type { OutOfService } from './outage.ts';
import { RemoteClient } from './remote-client.ts';
import { overloadedThere } from './remote-failure.ts';
import { type RemoteSpec, shownUrl } from './remote-spec.ts';
import { RemoteWatch } from './remote-watch.ts';
import type { Scheduler } from './scheduler.ts';
import type { ServingSeats } from './serving-seats.ts';
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
  /** Whether waiting for it is in vain may have changed. */
  reachChanged: () => void = () => undefined;
  inUse = 0;
  readonly client: RemoteClient;
  readonly #options: RemoteVersionOptions;
  readonly #throttle: Throttle;
  readonly #watch: RemoteWatch;
  #told = '';
  #running = 0;
  #drained: (() => void) | undefined;

  constructor(options: RemoteVersionOptions) {
    const { spec, client, model, version, scheduler, random } = options;
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
    this.#watch = this.#newWatch();
    this.breaker = this.#newBreaker();
  }

  #newWatch(): RemoteWatch {
    const { client, longestRunMs, random, lookEveryMs, scheduler } = this.#options;
    const rose = (): void => {
      this.#tell('ready', '');
      this.reachChanged();
      scheduler.wake();
    };
    const fell = (why: string, wasUp: boolean): void => {
      if (wasUp) this.breaker.workerShut();
      this.#tell('unreachable', why);
    };
    const notFound = (): void => this.reachChanged();
    return new RemoteWatch({ client, longestRunMs, random, lookEveryMs, rose, fell, notFound });
  }

  #newBreaker(): VersionBreaker {
    const { breaker, random, longestRunMs, scheduler } = this.#options;
    return new VersionBreaker({
      ...breaker,
      random,
      trySample: () => this.#watch.prove(),
      isUp: () => this.#watch.isUp,
      trialLimitMs: longestRunMs,
      changed: (state, reason) => {
        if (state === 'closed') scheduler.wake();
        this.breakerChanged(state, reason);
      },
    });
  }

  /** A server that refuses is done with a run at once, and must not be chosen for that. */
  get pace(): number {
    return this.#throttle.tries;
  }

  get open(): boolean {
    return this.#watch.isUp && this.breaker.isClosed;
  }

  /** Who asks is not told where it is. */
  get outOfService(): OutOfService | undefined {
    if (!this.breaker.isClosed) return this.breaker.view();
    if (!this.#watch.isMissing) return undefined;
    const nextTrialMs = this.#watch.nextLookMs;
    const state = nextTrialMs === undefined ? 'trying' : 'open';
    return { state, reason: 'the server that runs it is not there', nextTrialMs };
  }

  get shutSinceMs(): number | undefined {
    return this.#watch.shutSinceMs;
  }

  view(): RemoteView {
    const { worker: url, model, version, total: concurrency } = this;
    const state = this.#watch.isUp ? 'ready' : 'unreachable';
    return { url, state, detail: this.#watch.why, model, version, concurrency };
  }

  /** As `RemoteWatch.introduce`. */
  introduce(): Promise<ModelSignature> {
    return this.#watch.introduce();
  }

  /** As `RemoteWatch.try`. */
  try(execution: Execution): Promise<ExecutionResult> {
    return this.#watch.try(execution);
  }

  /** As `RemoteWatch.begin`. */
  watch(signature: ModelSignature, sample: Execution | undefined): Promise<void> {
    return this.#watch.begin(signature, sample);
  }

  async run(execution: Execution): Promise<ExecutionResult> {
    if (!this.open) throw workerGoneBefore();
    if (!this.#throttle.admits()) throw overloadedThere('refused here, as it refused others');
    const startedMs = performance.now();
    const run = this.breaker.begin();
    this.#running++;
    try {
      const result = await this.client.infer(execution, this.#watch.limit(this.#options.longestRunMs));
      this.#throttle.accepted();
      this.breaker.succeeded(run, performance.now() - startedMs);
      return result;
    } catch (thrown) {
      const error = GatewayError.from(thrown);
      if (error.code === 'overloaded') this.#throttle.refused();
      else this.#throttle.accepted();
      this.breaker.failed(run, error, execution);
      if (isWorkerGone(error)) this.#watch.lost(error);
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
    this.#watch.stop();
    if (this.#told !== '') this.#tell('exited', STOPPED);
    this.breaker.shutDown();
  }

  #end(): void {
    this.#watch.end();
    this.client.destroy(workerGone());
  }

  /** The same is told once, however often it is looked at. */
  #tell(state: 'ready' | 'unreachable' | 'exited', detail: string): void {
    const told = `${state} ${detail}`;
    if (told === this.#told) return;
    this.#told = told;
    this.#options.events.emit('worker:changed', { worker: this.worker, state, pid: undefined, detail });
  }
}

/** The remotes of a version, not watched yet. Rejects with `invalid` where a file of one cannot be read. */
export async function openRemotes(
  specs: readonly RemoteSpec[],
  options: Omit<RemoteVersionOptions, 'spec' | 'client'>,
): Promise<RemoteVersion[]> {
  const clients = await Promise.all(specs.map(spec => RemoteClient.open(spec, options.model)));
  return specs.map((spec, i) => new RemoteVersion({ ...options, spec, client: clients[i] as RemoteClient }));
}
