/**
 * The versions one worker hosts: brought up, taken out of work when their process is gone, brought up again on the
 * next one, and suspected when it dies. Each takes work as soon as itself is warm. Those that were running at a death
 * come last, so that one that kills its worker does not keep the others away; one that was running alone is named.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayError } from '../errors.ts';
import { bringUp } from './bring-up.ts';
import type { HostedVersion } from './hosted-version.ts';
import type { WatchedRun } from './run-watch.ts';
import type { WorkerClient } from './worker-client.ts';
import { isUnavailable, workerGone } from './worker-failure.ts';
import { restartDelayMs } from './worker-lifecycle.ts';
import type { WorkerProcess } from './worker-process.ts';
import type { WorkerSettings } from './worker-settings.ts';

/** The process that hosts them now. */
export interface Home {
  readonly process: WorkerProcess;
  readonly client: WorkerClient;
}

/** The only version that can have caused a death. */
export interface Blamed {
  readonly hosted: HostedVersion;
  readonly sharesWorker: boolean;
  /** Or else it was being loaded. */
  readonly ranRequests: boolean;
}

export interface HomeListener {
  /** A connection broke under a run. */
  lost(home: Home): void;
  hangs(home: Home, hosted: HostedVersion, run: WatchedRun): void;
}

export class HostedVersions {
  readonly #settings: WorkerSettings;
  readonly #isHome: (home: Home) => boolean;
  readonly #listener: HomeListener;
  readonly #log: (line: string) => void;
  readonly #all = new Set<HostedVersion>();
  readonly #suspects = new Set<HostedVersion>();
  /** Of them, those that ran requests. */
  readonly #ran = new Set<HostedVersion>();
  readonly #deaths = new WeakMap<HostedVersion, number>();
  #accused: HostedVersion | undefined;

  /** `isHome` says whether a process is still the one. */
  constructor(
    settings: WorkerSettings,
    isHome: (home: Home) => boolean,
    listener: HomeListener,
    log: (line: string) => void,
  ) {
    this.#settings = settings;
    this.#isHome = isHome;
    this.#listener = listener;
    this.#log = log;
  }

  [Symbol.iterator](): Iterator<HostedVersion> {
    return this.#all.values();
  }

  /** Runs under way. */
  get running(): number {
    let running = 0;
    for (const hosted of this.#all) running += hosted.running;
    return running;
  }

  /** From now on it is brought up on every new process. */
  add(hosted: HostedVersion): void {
    this.#all.add(hosted);
  }

  /** It takes no more work; what runs goes on. */
  remove(hosted: HostedVersion): void {
    this.#all.delete(hosted);
    hosted.shut();
  }

  /** None takes work. Returns those that did. */
  shut(): readonly HostedVersion[] {
    const up = [...this.#all].filter(hosted => hosted.isUp);
    for (const hosted of up) hosted.shut();
    return up;
  }

  /** Those of them that are still hosted take work again. */
  reopen(shut: readonly HostedVersion[], home: Home): void {
    // It did not die: what ran then has no part in a death to come.
    this.#suspects.clear();
    this.#ran.clear();
    for (const hosted of shut) if (this.#all.has(hosted)) this.#open(hosted, home);
  }

  /**
   * Loads and warms one, and lets it take work; leaves nothing of it there otherwise. Kills the process when that takes
   * too long: a hang ends only so.
   */
  async bringUp(hosted: HostedVersion, home: Home): Promise<void> {
    const late = new AbortController();
    const timer = setTimeout(() => {
      late.abort(workerGone());
      void home.process.kill();
    }, this.#settings.loadTimeoutMs);
    try {
      await bringUp(hosted, home.client, this.#settings.scheduler, late.signal);
      if (!this.#isHome(home)) throw workerGone();
      this.#open(hosted, home);
    } catch (error) {
      if (isUnavailable(error)) this.#suspects.add(hosted);
      // Half loaded it could not be loaded again.
      await home.client.unload(hosted.model, hosted.order.version).catch(() => undefined);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Brings all up on a new process; one that cannot be loaded now is tried again later. */
  async restore(home: Home): Promise<void> {
    this.#suspects.clear();
    this.#ran.clear();
    for (let round = 1; this.#isHome(home); round++) {
      const missing = [...this.#all].filter(hosted => !hosted.isUp);
      if (missing.length === 0) return;
      for (const hosted of missing.sort((a, b) => this.#deathsOf(a) - this.#deathsOf(b))) {
        if (!this.#all.has(hosted)) continue;
        await this.bringUp(hosted, home).catch(error => this.#report(hosted, error));
        if (!this.#isHome(home)) return;
        if (!this.#all.has(hosted)) await this.#takeBack(hosted, home);
      }
      await sleep(restartDelayMs(round, this.#settings.random()), undefined, { ref: false });
    }
  }

  /** It was unloaded while it was brought up, when there was nothing to unload yet. */
  async #takeBack(hosted: HostedVersion, { client }: Home): Promise<void> {
    hosted.shut();
    await client.unload(hosted.model, hosted.order.version).catch(() => undefined);
  }

  /** Call at the first sign of a death, while what was running still counts as running. */
  suspectRunning(): void {
    for (const hosted of this.#all) {
      if (hosted.running === 0) continue;
      this.#suspects.add(hosted);
      this.#ran.add(hosted);
    }
  }

  /** It is known to be the cause of a death to come. */
  accuse(hosted: HostedVersion): void {
    this.#accused = hosted;
  }

  /** The process has died. Returns the only one that can have caused it. */
  blame(): Blamed | undefined {
    this.suspectRunning();
    if (this.#accused !== undefined) {
      this.#suspects.clear();
      this.#suspects.add(this.#accused);
      this.#ran.add(this.#accused);
      this.#accused = undefined;
    }
    for (const hosted of this.#suspects) this.#deaths.set(hosted, this.#deathsOf(hosted) + 1);
    const [only, ...more] = this.#suspects;
    if (only === undefined || more.length > 0 || !this.#all.has(only)) return undefined;
    return { hosted: only, sharesWorker: this.#all.size > 1, ranRequests: this.#ran.has(only) };
  }

  #open(hosted: HostedVersion, home: Home): void {
    hosted.openOn(home.client, {
      lost: () => this.#listener.lost(home),
      hangs: (culprit, run) => this.#listener.hangs(home, culprit, run),
      lags: ({ allowedMs }) => this.#settings.prepareApart(allowedMs),
    });
    this.#settings.scheduler.wake();
  }

  #deathsOf(hosted: HostedVersion): number {
    return this.#deaths.get(hosted) ?? 0;
  }

  #report(hosted: HostedVersion, error: unknown): void {
    const why = GatewayError.from(error).message;
    this.#log(`${hosted.model} version ${hosted.version} could not be loaded again: ${why}`);
  }
}
