import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Server } from './server.ts';

const PROBE = new URL('./loop-probe.ts', import.meta.url).href;
const PROBE_WITHIN_MS = 10_000;

/** The probe of one gateway's event loop: pass `node` and `env` to `startHeadgate`. */
export class LoopProbe {
  readonly #file: string;
  readonly node: readonly string[] = ['--import', PROBE];
  readonly env: Readonly<Record<string, string>>;

  constructor(folder: string) {
    this.#file = path.join(folder, 'loop-delay');
    this.env = { LOOP_PROBE_FILE: this.#file };
  }

  /** p99 of how long the loop's own work delayed a timer since this was last asked, ms. */
  async delayMs(server: Server): Promise<number> {
    await rm(this.#file, { force: true });
    server.signal('SIGUSR2');
    const deadline = performance.now() + PROBE_WITHIN_MS;
    while (!existsSync(this.#file)) {
      if (performance.now() > deadline) throw new Error('the probe does not answer');
      await wait(10);
    }
    return Number(await readFile(this.#file, 'utf8'));
  }
}

/** How late a gateway's event loop ran since it was last asked, p99, ms, as its own metrics say. */
export async function gatewayLoopDelayMs(server: Server): Promise<number> {
  const response = await fetch(`${server.adminUrl}/metrics`);
  const text = await response.text();
  const found = /^headgate_event_loop_delay_seconds\{quantile="0.99"\} (\S+)$/m.exec(text)?.[1];
  if (found === undefined) throw new Error('the gateway does not say how late its event loop is');
  return Number(found) * 1000;
}

/** A process beside the gateway, idle but for watching its own loop. `await using` ends it. */
export class IdleLoop implements AsyncDisposable {
  readonly #child: ChildProcess = fork(new URL('./loop-delay-child.ts', import.meta.url));

  /** p99 since it was last asked, ms. */
  async delayMs(): Promise<number> {
    const answered = once(this.#child, 'message');
    this.#child.send('');
    const [ms] = (await answered) as [number];
    return ms;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }
}
