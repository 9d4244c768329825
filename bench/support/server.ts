/** A server under test: a child process in a folder of its own, on free ports, ready when it says so. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

const READY_WITHIN_MS = 60_000;
const GONE_WITHIN_MS = 40_000;

export interface ServerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class Server implements AsyncDisposable {
  readonly port: number;
  readonly adminPort: number;
  readonly #child: ChildProcess;
  readonly #logFile: string;
  readonly exited: Promise<ServerExit>;

  constructor(
    command: readonly string[],
    options: {
      readonly folder: string;
      readonly port: number;
      readonly adminPort?: number;
      readonly env?: Readonly<Record<string, string>>;
    },
  ) {
    this.port = options.port;
    this.adminPort = options.adminPort ?? 0;
    this.#logFile = path.join(options.folder, 'server.log');
    this.#child = spawn(process.execPath, command, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        TMPDIR: options.folder,
        ORT_DISABLE_TELEMETRY: '1',
        ORT_TELEMETRY_DISABLED: '1',
        ...options.env,
      },
    });
    const log = createWriteStream(this.#logFile);
    this.#child.stdout?.pipe(log, { end: false });
    this.#child.stderr?.pipe(log, { end: false });
    this.exited = once(this.#child, 'exit').then(([code, signal]) => {
      log.end();
      return { code, signal } as ServerExit;
    });
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('the server did not start');
    return this.#child.pid;
  }

  get #ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get adminUrl(): string {
    return `http://127.0.0.1:${this.adminPort}`;
  }

  /** The last lines it printed. */
  log(): string {
    return readFileSync(this.#logFile, 'utf8').split('\n').slice(-30).join('\n');
  }

  /** Resolves when `/v2/health/ready` answers 200; rejects with its last lines when it ends or takes over a minute. */
  async ready(): Promise<void> {
    const deadline = performance.now() + READY_WITHIN_MS;
    while (!(await this.#answersReady())) {
      if (this.#ended || performance.now() > deadline) {
        throw new Error(`the server did not become ready:\n${this.log()}`);
      }
      await wait(50);
    }
  }

  async #answersReady(): Promise<boolean> {
    try {
      const response = await fetch(`${this.url}/v2/health/ready`);
      await response.arrayBuffer();
      return response.status === 200;
    } catch {
      return false;
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** SIGTERM, and SIGKILL when that takes over 40 s. */
  async stop(): Promise<ServerExit> {
    this.signal('SIGTERM');
    const timer = setTimeout(() => this.signal('SIGKILL'), GONE_WITHIN_MS);
    const exit = await this.exited;
    clearTimeout(timer);
    return exit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) await this.stop();
  }
}
