import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Server } from './server.ts';

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
