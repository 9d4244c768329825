import { setTimeout as sleep } from 'node:timers/promises';
import type { Home, HostedVersions } from './hosted-versions.ts';
import { MemoryWatch, tooLarge } from './memory-watch.ts';
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

  /** Asks how it is now and then, and ends a process that no longer answers or holds too much. */
  async attend(home: Home): Promise<void> {
    const { lookEveryMs } = this.#settings;
    this.#watchMemory(home);
    for (let missed = 0; this.#isCurrent(home); ) {
      missed = (await this.#look(home)) ? 0 : missed + 1;
      if (missed === MISSED_LOOKS) this.end(home, 'the process does not answer');
      else await sleep(lookEveryMs, undefined, { ref: false });
    }
  }

  /** Kills it, and says why; what runs there is lost. */
  end(home: Home, why: string): void {
    if (!this.#isCurrent(home)) return;
    this.#settings.log(this.#name, `${why}: its worker is killed`);
    void home.process.kill();
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
    else void home.process.kill();
  }

  #watchMemory(home: Home): void {
    const { process } = home;
    const { maxMemoryBytes } = this.#settings;
    if (process.pid === undefined) return;
    const watch = new MemoryWatch({
      pid: process.pid,
      maxBytes: maxMemoryBytes,
      isBusy: () => this.#hosted.running > 0,
      exceeded: bytes => this.end(home, tooLarge(bytes, maxMemoryBytes)),
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
}
