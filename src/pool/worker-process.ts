/**
 * One worker process: started, said to be ready, killed, gone. It never restarts itself.
 *
 * Its stdin is a lifeline: the process kills itself when the pipe ends, so it cannot outlive a gateway that was
 * killed. It gets a session of its own, so that Ctrl-C at a terminal reaches the gateway alone, which drains first.
 * It ends by SIGKILL: tearing down threads that hold a session aborts the process.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayError } from '../errors.ts';
import { LineSplitter } from './line-splitter.ts';

export interface WorkerCommand {
  readonly file: string;
  readonly args: readonly string[];
}

export interface WorkerProcessOptions {
  readonly command: WorkerCommand;
  readonly socketPath: string;
  /** Above the gateway's 0, so that the event loop is never kept waiting by a model. */
  readonly niceness: number;
  readonly readyTimeoutMs: number;
}

/** How a process ended: `SIGSEGV`, `exit code 1`, or why it could not be started. */
export type ExitReason = string;

export class WorkerProcess {
  readonly socketPath: string;
  /** Rejects with a GatewayError when it ends, or says nothing in time, before it is ready. */
  readonly ready: Promise<void>;
  /** Resolves when the process is gone; never rejects. */
  readonly exited: Promise<ExitReason>;
  #exitReason: ExitReason | undefined;
  readonly #child: ChildProcess;
  /** Hears one line of the worker's own output, shortened; set by whoever owns the process. */
  log: (line: string) => void = () => undefined;

  constructor(options: WorkerProcessOptions) {
    this.socketPath = options.socketPath;
    const { file, args } = options.command;
    this.#child = spawn(file, [...args, '--socket', options.socketPath], {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      env: workerEnvironment(process.env),
    });
    this.exited = this.#watchExit();
    this.#lowerPriority(options.niceness);
    this.#offerToKernel();
    // Writing nothing, it still errors when the process goes first.
    this.#child.stdin?.on('error', () => undefined);
    this.#child.stderr?.on('data', new LineSplitter(line => this.log(line)).push);
    this.ready = this.#watchReady(options);
    this.ready.catch(() => undefined);
  }

  /** Undefined when the process could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Undefined while it lives. */
  get exitReason(): ExitReason | undefined {
    return this.#exitReason;
  }

  /** How it ended, waiting at most this long for it to end; undefined when it still lives. */
  async exitWithin(ms: number): Promise<ExitReason | undefined> {
    const waited = new AbortController();
    const alive = sleep(ms, undefined, { signal: waited.signal }).catch(() => undefined);
    const reason = await Promise.race([this.exited, alive]);
    waited.abort();
    return reason;
  }

  /** Kills it now; resolves when it is gone. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exited;
  }

  /**
   * From now on it computes only where a core has nothing else to do; there is no way back. A nice process would keep a
   * core from being idle, to which others move, so it gets the idle policy; where the kernel shares by session first
   * (`autogroup`) a process's own share counts within its session alone, so its session's is lowered as well. Hangs
   * tried again on two busy cores took 60 to 80 % of one with the policy alone, and full work came back after 1.3 to
   * 1.9 s; with the session's niceness alone after 1.5 to 1.9 s; with both after 0.5 to 1.1 s.
   */
  standBehind(): void {
    const { pid } = this;
    if (pid === undefined) return;
    lowerSession(pid);
    execFile('chrt', ['--idle', '--all-tasks', '--pid', '0', String(pid)], error => {
      if (error !== null && this.#exitReason === undefined) lowerThreads(pid);
    });
  }

  #watchExit(): Promise<ExitReason> {
    return new Promise(resolve => {
      const gone = (reason: ExitReason): void => {
        this.#exitReason ??= reason;
        // It unlinks its socket when its lifeline ends, but not when it is killed.
        unlink(this.socketPath).catch(() => undefined);
        resolve(this.#exitReason);
      };
      this.#child.once('exit', (code, signal) => gone(signal ?? `exit code ${code}`));
      this.#child.once('error', error => gone(`it could not be started: ${error.message}`));
    });
  }

  #watchReady({ readyTimeoutMs }: WorkerProcessOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (why: string): void => reject(new GatewayError('unavailable', `a worker process ${why}`));
      const timer = setTimeout(() => {
        fail(`was not ready after ${readyTimeoutMs} ms`);
        this.#child.kill('SIGKILL');
      }, readyTimeoutMs);
      const lines = new LineSplitter(line => {
        if (!isReadyLine(line)) return this.log(line);
        clearTimeout(timer);
        resolve();
      });
      this.#child.stdout?.on('data', lines.push);
      void this.exited.then(reason => {
        clearTimeout(timer);
        fail(`ended before it was ready (${reason})`);
      });
    });
  }

  /** When memory runs out the kernel takes a worker and not the gateway. Raising it needs no privilege. */
  #offerToKernel(): void {
    if (this.pid === undefined) return;
    try {
      const own = Number(readFileSync('/proc/self/oom_score_adj', 'latin1'));
      const adjusted = Math.min(1000, own + OOM_SCORE_BEFORE_GATEWAY);
      writeFileSync(`/proc/${this.pid}/oom_score_adj`, String(adjusted));
    } catch {
      // Already gone, or no Linux.
    }
  }

  #lowerPriority(niceness: number): void {
    if (this.pid === undefined) return;
    try {
      setPriority(this.pid, niceness);
    } catch {
      // Already gone, or not allowed here: priorities are a courtesy.
    }
  }
}

const LOWEST = 19;

function lowerSession(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/autogroup`, String(LOWEST));
  } catch {
    // Already gone, or the kernel does not share by session.
  }
}

/** Where there is no `chrt`. */
function lowerThreads(pid: number): void {
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) setPriority(Number(thread), LOWEST);
  } catch {
    // Already gone, or no Linux.
  }
}

/** Of −1000 to 1000: so far before the gateway, which lives as long as it can. */
const OOM_SCORE_BEFORE_GATEWAY = 500;

function isReadyLine(line: string): boolean {
  if (!line.startsWith('{"ready"')) return false;
  try {
    return (JSON.parse(line) as { ready?: unknown }).ready === true;
  } catch {
    return false;
  }
}

/** The gateway's own settings, which may hold secrets, stay with it; ONNX Runtime's telemetry stays off. */
export function workerEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => !name.startsWith('HEADGATE_'));
  return { ...Object.fromEntries(kept), ORT_DISABLE_TELEMETRY: '1', ORT_TELEMETRY_DISABLED: '1' };
}
