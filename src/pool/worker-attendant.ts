import { setTimeout as sleep } from 'node:timers/promises';
import type { HostedVersion } from './hosted-version.ts';
import type { Home, HostedVersions } from './hosted-versions.ts';
import { MemoryWatch, tooLarge } from './memory-watch.ts';
import type { WatchedRun } from './run-watch.ts';
import type { WorkerProcess } from './worker-process.ts';
import { DEATH_NOTICE_MS, type WorkerSettings } from './worker-settings.ts';

/** Looks in a row that a worker may leave unanswered: one can fall into a pause of the machine, or of this process. */
const MISSED_LOOKS = 3;

/**
 * Watches one worker's process while it is ready, and ends it when it must be replaced; what comes after is not its
 * matter. `isCurrent` says whether the process it was given is still the worker's.
 */
export class WorkerAttendant {
  /** As the worker last said; 0 when not known. */
  rssBytes = 0;
  readonly #name: string;
  readonly #settings: WorkerSettings;
  readonly #hosted: HostedVersions;
  readonly #isCurrent: (home: Home) => boolean;
  readonly #endedFor = new WeakMap<WorkerProcess, 'hang' | 'memory'>();
  #doubting = false;

  constructor(
    name: string,
    settings: WorkerSettings,
    hosted: HostedVersions,
    isCurrent: (home: Home) => boolean,
  ) {
    this.#name = name;
    this.#settings = settings;
    this.#hosted = hosted;
    this.#isCurrent = isCurrent;
  }

  /** Asks for its memory now and then, and ends a process that no longer answers. */
  async attend(home: Home): Promise<void> {
    const { lookEveryMs, log } = this.#settings;
    this.#watchMemory(home);
    for (let missed = 0; this.#isCurrent(home); ) {
      missed = (await this.#look(home)) ? 0 : missed + 1;
      if (missed < MISSED_LOOKS) await sleep(lookEveryMs, undefined, { ref: false });
      if (missed < MISSED_LOOKS || !this.#isCurrent(home)) continue;
      log(this.#name, 'the process does not answer: its worker is killed');
      this.#end(home, 'hang');
      return;
    }
  }

  /**
   * A connection broke: the process is most likely dying, which its exit event will say in a moment. Until that is
   * known no more work goes there; a process that lives and answers takes it again, one that does not is killed.
   */
  async doubt(home: Home): Promise<void> {
    if (!this.#isCurrent(home) || this.#doubting) return;
    this.#doubting = true;
    this.#hosted.suspectRunning();
    const shut = this.#hosted.shut();
    const died = await home.process.exitWithin(DEATH_NOTICE_MS);
    const answers = died === undefined && (await home.client.answersWithin(DEATH_NOTICE_MS));
    this.#doubting = false;
    if (!this.#isCurrent(home)) return;
    if (answers) this.#hosted.reopen(shut, home);
    else this.#end(home, 'hang');
  }

  /** A run takes longer than it may: it can only be ended with its process. */
  endHung(home: Home, hosted: HostedVersion, { startedAt, allowedMs }: WatchedRun): void {
    if (!this.#isCurrent(home)) return;
    const { model, version } = hosted;
    const ageMs = Math.round(performance.now() - startedAt);
    const { events, log } = this.#settings;
    events.emit('run:hung', { model, version, worker: this.#name, ageMs, allowedMs: Math.round(allowedMs) });
    log(this.#name, `a run of ${model} version ${version} hangs: its worker is killed`);
    this.#hosted.accuse(hosted);
    this.#end(home, 'hang');
  }

  /** What it ended this process for; undefined: it did not. */
  endedFor(process: WorkerProcess): 'hang' | 'memory' | undefined {
    return this.#endedFor.get(process);
  }

  #watchMemory(home: Home): void {
    const { process } = home;
    const { maxMemoryBytes, log } = this.#settings;
    if (process.pid === undefined) return;
    const watch = new MemoryWatch({
      pid: process.pid,
      maxBytes: maxMemoryBytes,
      isBusy: () => this.#hosted.running > 0,
      exceeded: bytes => {
        log(this.#name, `${tooLarge(bytes, maxMemoryBytes)}: its worker is killed`);
        this.#end(home, 'memory');
      },
    });
    void process.exited.then(() => watch.stop());
  }

  /** False when the worker does not say in time how it is. */
  async #look({ client }: Home): Promise<boolean> {
    try {
      this.rssBytes = await client.rssBytes(AbortSignal.timeout(this.#settings.lookEveryMs));
      return true;
    } catch {
      return false;
    }
  }

  /** It is said why before the process is gone. */
  #end({ process }: Home, why: 'hang' | 'memory'): void {
    this.#endedFor.set(process, why);
    void process.kill();
  }
}
