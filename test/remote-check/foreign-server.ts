/** A server of another project on loopback, in a process of its own that can be killed and started again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../support/headgate.ts';
import { pythonOf, SERVERS, type ServerName } from './environment.ts';

/** One run of a model there, as the server itself printed it. */
export interface RunThere {
  readonly model: string;
  readonly rows: number;
  readonly form: string;
}

const READY_LIMIT_MS = 60_000;

export class ForeignServer implements AsyncDisposable {
  readonly url: string;
  readonly #python: string;
  readonly #args: readonly string[];
  readonly #folder: string;
  #child: ChildProcess | undefined;
  #output = '';

  /** It does not run yet. */
  static async prepare(name: ServerName): Promise<ForeignServer> {
    const folder = await mkdtemp(path.join(tmpdir(), `headgate-${name}-`));
    return new ForeignServer(name, pythonOf(name), folder, [await freePort(), await freePort()]);
  }

  private constructor(name: ServerName, python: string, folder: string, ports: readonly [number, number]) {
    this.url = `http://127.0.0.1:${ports[0]}`;
    this.#python = python;
    this.#folder = folder;
    this.#args = [path.join(SERVERS, `${name}_server.py`), ...ports.map(String), folder];
  }

  /** Resolves when it is ready; rejects with what it printed when it ends first. */
  async start(): Promise<void> {
    const child = spawn(this.#python, this.#args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
      });
    }
    const untilMs = performance.now() + READY_LIMIT_MS;
    while (!(await isReady(this.url))) {
      if (child.exitCode === null && performance.now() < untilMs) await sleep(100);
      else throw new Error(`it is not ready:\n${this.#output.slice(-3000)}`);
    }
  }

  /** Without a word, as a machine that fails. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  /** What was run there while `action` ran. */
  async during(action: () => Promise<unknown>): Promise<RunThere[]> {
    const from = this.#output.length;
    await action();
    const lines = this.#output.slice(from).matchAll(/^ran (\w+) (\d+) (\w+)$/gm);
    return [...lines].map(([, model = '', rows, form = '']) => ({ model, rows: Number(rows), form }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/v2/health/ready`)).ok;
  } catch {
    return false;
  }
}
