/** A real Headgate in a process of its own, on free ports, with a data folder of its own. For tests and benches. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stringify } from 'yaml';
import { NODE_FLAGS } from '../../src/node-flags.ts';

export interface HeadgateOptions {
  readonly repository: string;
  /** Laid over the test's own configuration, one level deep. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly command?: 'serve' | 'worker';
  readonly env?: Readonly<Record<string, string>>;
  /** Of the data plane; absent: a free one. */
  readonly port?: number;
  /** Resolve when it listens, without waiting for the models. */
  readonly waitForReady?: boolean;
  /** What a shell does before it becomes the gateway: `ulimit -n 64`. */
  readonly shell?: string;
}

export interface Headgate extends AsyncDisposable {
  readonly url: string;
  readonly adminUrl: string;
  readonly process: ChildProcess;
  readonly pid: number;
  readonly folder: string;
  /** Everything printed so far, both streams. */
  output(): string;
  /** Resolves with how it ended, once it has ended by itself or by a signal sent elsewhere. */
  ended(): Promise<Ending>;
  /** Sends the signal and resolves with how it ended. */
  stop(signal?: NodeJS.Signals): Promise<Ending>;
}

/** How a process ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise(resolve => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

export async function startHeadgate(options: HeadgateOptions): Promise<Headgate> {
  const folder = await mkdtemp(path.join(tmpdir(), 'headgate-test-'));
  const { file, port, adminPort } = await writeConfig(
    folder,
    options.repository,
    options.config,
    options.port,
  );
  const main = [process.execPath, ...NODE_FLAGS, 'src/main.ts'] as const;
  const command = [...main, options.command ?? 'serve', '--config', file] as const;
  const [program, ...args] =
    options.shell === undefined
      ? command
      : (['sh', '-c', `${options.shell}\nexec "$@"`, 'sh', ...command] as const);
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: folder, ...options.env },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-1_000_000);
    });
  }
  const url = `http://127.0.0.1:${port}`;
  await waitUntilAnswers(
    `${url}/v2/health/${options.waitForReady === false ? 'live' : 'ready'}`,
    child,
    () => output,
  );
  return new RunningHeadgate(url, `http://127.0.0.1:${adminPort}`, child, folder, () => output);
}

/** Writes `headgate.yaml` into the folder: on free ports, with its data in there, and `more` laid over it. */
export async function writeConfig(
  folder: string,
  repository: string,
  more: Readonly<Record<string, unknown>> = {},
  wantedPort?: number,
) {
  const [port, adminPort] = [wantedPort ?? (await freePort()), await freePort()];
  const config = {
    repository,
    http: { host: '127.0.0.1', port },
    admin: { host: '127.0.0.1', port: adminPort },
    dataDir: path.join(folder, 'data'),
    ...more,
  };
  const file = path.join(folder, 'headgate.yaml');
  await writeFile(file, stringify(config));
  return { file, port, adminPort };
}

class RunningHeadgate implements Headgate {
  readonly url: string;
  readonly adminUrl: string;
  readonly process: ChildProcess;
  readonly folder: string;
  readonly output: () => string;

  constructor(url: string, adminUrl: string, child: ChildProcess, folder: string, output: () => string) {
    this.url = url;
    this.adminUrl = adminUrl;
    this.process = child;
    this.folder = folder;
    this.output = output;
  }

  get pid(): number {
    return this.process.pid as number;
  }

  get #isOver(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }

  async ended(): Promise<Ending> {
    if (!this.#isOver) await once(this.process, 'exit');
    return { code: this.process.exitCode, signal: this.process.signalCode };
  }

  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ending> {
    if (!this.#isOver) this.process.kill(signal);
    return this.ended();
  }

  async [Symbol.asyncDispose]() {
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Asks until the URL answers 200; fails with what the process printed when it ends first. */
async function waitUntilAnswers(url: string, child: ChildProcess, output: () => string): Promise<void> {
  const ended = once(child, 'exit').then(() => {
    throw new Error(`headgate ended before it was ready:\n${output()}`);
  });
  ended.catch(() => {});
  for (;;) {
    const answered = fetch(url).then(
      response => response.arrayBuffer().then(() => response.ok),
      () => false,
    );
    if (await Promise.race([answered, ended])) return;
    await Promise.race([new Promise(resolve => setTimeout(resolve, 20)), ended]);
  }
}
