/** A gateway whose system calls are on record where strace can be had, and whose sockets are looked at in any case. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { processTree } from '../../bench/support/process-tree.ts';
import { childrenOf } from '../support/processes.ts';
import { type Calls, callsIn, TRACED } from './system-calls.ts';

export const HAS_STRACE = spawnSync('strace', ['-f', '-o', '/dev/null', 'true']).status === 0;

export class WatchedProcess {
  readonly #child: ChildProcess;
  readonly #log: string;
  #output = '';

  /** Starts `node <args>` in this environment; its trace is kept in the folder. */
  constructor(args: readonly string[], folder: string, env: NodeJS.ProcessEnv) {
    this.#log = path.join(folder, 'strace.log');
    const trace = [
      '-f',
      '--seccomp-bpf',
      '-qq',
      '-s',
      '256',
      '-o',
      this.#log,
      '-e',
      `trace=${TRACED.join(',')}`,
    ];
    const [file, all] = HAS_STRACE
      ? ['strace', [...trace, process.execPath, ...args]]
      : [process.execPath, [...args]];
    this.#child = spawn(file, all, { stdio: ['ignore', 'pipe', 'pipe'], env });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
      });
    }
  }

  /** Everything printed so far. */
  get output(): string {
    return this.#output;
  }

  /** Of the process itself, not of what traces it. */
  get pid(): number {
    const own = this.#child.pid as number;
    return HAS_STRACE ? (childrenOf(own)[0] ?? own) : own;
  }

  /** Waits for a text to be printed; throws when the process ends first. */
  async printed(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.#output)) {
      if (this.#child.exitCode !== null) throw new Error(`it ended:\n${this.#output}`);
      await sleep(20);
    }
  }

  /** Command lines and environments of the process and all below it. */
  seenByOthers(): { readonly commands: string; readonly workersEnvironments: string } {
    const [, ...below] = processTree(this.pid);
    return {
      commands: processTree(this.pid)
        .map(({ command }) => command)
        .join('\n'),
      workersEnvironments: below.map(({ pid }) => readOr(`/proc/${pid}/environ`)).join('\n'),
    };
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const gone = once(this.#child, 'exit');
    process.kill(this.pid, 'SIGTERM');
    await gone;
  }

  /** After it has ended; undefined where nothing could be recorded. */
  calls(): Calls | undefined {
    return HAS_STRACE ? callsIn(readFileSync(this.#log, 'utf8')) : undefined;
  }
}

function readOr(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
