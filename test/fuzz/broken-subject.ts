/** The broken server as a subject, and loaders that are broken on purpose. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { FuzzCase } from './fuzz-case.ts';
import type { Subject } from './subject.ts';

export class BrokenSubject implements Subject, AsyncDisposable {
  port = 0;
  readonly adminPort = 0;
  readonly #losesWorkers: boolean;
  #child: ChildProcess | undefined;
  #starts = 0;
  #looks = 0;

  constructor({ losesWorkers = false } = {}) {
    this.#losesWorkers = losesWorkers;
  }

  died(): string | undefined {
    const code = this.#child?.exitCode;
    return code === null || code === undefined ? undefined : `exit code ${code}`;
  }

  /** Another each time, or none. */
  workers(): Promise<readonly number[]> {
    return Promise.resolve(this.#losesWorkers ? [++this.#looks] : []);
  }

  rssBytes(): number {
    return 0;
  }

  get starts(): number {
    return this.#starts;
  }

  async restart(): Promise<void> {
    this.#starts++;
    this.#child = spawn(process.execPath, [fileURLToPath(new URL('broken-server.ts', import.meta.url))], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const [line] = (await once(this.#child.stdout as NodeJS.EventEmitter, 'data')) as [Buffer];
    this.port = (JSON.parse(line.toString()) as { port: number }).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null) return;
    const gone = once(child, 'exit');
    child.stdin?.end();
    await gone;
  }
}

/** Throws at one case, never returns from another. */
export function check({ index }: FuzzCase): string {
  if (index === 5) throw new TypeError('planted');
  if (index === 9) for (;;);
  return 'taken';
}
