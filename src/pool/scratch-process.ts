/** One process of `ScratchWorkers`: its connections, its memory, and what its end was. */
import { deathCause } from './death-cause.ts';
import { MemoryWatch, tooLarge } from './memory-watch.ts';
import { WorkerClient } from './worker-client.ts';
import { workerGone } from './worker-failure.ts';
import type { WorkerProcess } from './worker-process.ts';
import { DEATH_NOTICE_MS, type WorkerSettings } from './worker-settings.ts';

/** `apart`: what runs there is in service, so that its deaths are told as those of workers. */
export type ScratchName = 'scratch' | 'apart';

const CONNECTIONS = 4;

export class ScratchProcess {
  readonly client: WorkerClient;
  uses = 0;
  isBehind = false;
  readonly #name: ScratchName;
  readonly #process: WorkerProcess;
  readonly #settings: WorkerSettings;
  /** Why it was killed; `done`: nothing was wrong with it. */
  #endedFor: 'done' | 'hang' | 'memory' | undefined;

  /** It may not be ready yet. `gone` is told when it has ended. */
  constructor(name: ScratchName, process: WorkerProcess, settings: WorkerSettings, gone: () => void) {
    this.#name = name;
    this.#process = process;
    this.#settings = settings;
    this.client = new WorkerClient(process.socketPath, CONNECTIONS);
    process.log = line => settings.log(name, line);
    void process.exited.then(reason => {
      this.client.destroy(workerGone());
      gone();
      this.#tell(reason);
    });
    this.#watchMemory();
  }

  get ready(): Promise<void> {
    return this.#process.ready;
  }

  get isAlive(): boolean {
    return this.#process.exitReason === undefined;
  }

  /** As `WorkerProcess.standBehind`: it is of no use to anybody else then. */
  standBehind(): void {
    this.isBehind = true;
    this.#process.standBehind();
  }

  /** How it ended, where that follows a broken connection: which is seen first. */
  reasonOfDeath(): Promise<string | undefined> {
    return this.#process.exitWithin(DEATH_NOTICE_MS);
  }

  /** Kills it now; what it does rejects. Resolves when it is gone. */
  async end(why: 'done' | 'hang' | 'memory'): Promise<void> {
    this.#endedFor ??= why;
    this.client.destroy(workerGone());
    await this.#process.kill();
  }

  /** Its connection broke: it is dying, and its end will say of what, or it hangs. */
  async endLost(): Promise<void> {
    if ((await this.reasonOfDeath()) === undefined) await this.end('hang');
  }

  #tell(reason: string): void {
    if (this.#name !== 'apart' || this.#endedFor === 'done') return;
    const cause = deathCause(reason, this.#endedFor);
    this.#settings.events.emit('worker:died', { worker: this.#name, cause });
  }

  #watchMemory(): void {
    const { pid, exited } = this.#process;
    const { maxMemoryBytes, log } = this.#settings;
    if (pid === undefined) return;
    const watch = new MemoryWatch({
      pid,
      maxBytes: maxMemoryBytes,
      isBusy: () => true,
      exceeded: bytes => {
        log(this.#name, `${tooLarge(bytes, maxMemoryBytes)}: it is killed`);
        this.#endedFor ??= 'memory';
        void this.#process.kill();
      },
    });
    void exited.then(() => watch.stop());
  }
}
