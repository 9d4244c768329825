/** Keeps every instance of a version busy with batches of one size, back to back: one running and one ready each. */
import type { Execution, Executor, Slot } from '../inference.ts';
import { type Window, type WindowSize, WindowTally } from './window.ts';

/**
 * Rejects with a GatewayError when a run fails, once all others have ended. Undefined when nothing could be counted in
 * the time there was.
 */
export async function saturate(
  executor: Pick<Executor, 'capacity' | 'acquire'>,
  execution: Execution,
  instances: number,
  size: WindowSize,
): Promise<Window | undefined> {
  const tally = new WindowTally(size, instances);
  const over = new AbortController();
  const limit = setTimeout(() => over.abort(), size.maxMs);
  const running = new Set<Slot>();
  const lane = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const slot = await nextSlot(executor, over.signal);
      if (slot === undefined) return;
      const sentMs = performance.now();
      running.add(slot);
      const run = slot.execute(execution);
      yieldOne(running);
      await run.finally(() => running.delete(slot));
      yieldOne(running);
      const nowMs = performance.now();
      if (!over.signal.aborted && tally.note(nowMs - sentMs, nowMs)) over.abort();
    }
  };
  try {
    await Promise.all(Array.from({ length: 2 * instances }, () => lane().finally(() => over.abort())));
  } finally {
    clearTimeout(limit);
  }
  return tally.window(execution.rows);
}

/** Undefined when the window is over before one is free. */
function nextSlot(executor: Pick<Executor, 'acquire'>, over: AbortSignal): Promise<Slot | undefined> {
  return new Promise(resolve => {
    const ended = (): void => {
      withdraw();
      resolve(undefined);
    };
    const withdraw = executor.acquire(slot => {
      over.removeEventListener('abort', ended);
      resolve(slot);
    });
    over.addEventListener('abort', ended, { once: true });
  });
}

/** Lets one run that is under way have its successor ready. */
function yieldOne(running: ReadonlySet<Slot>): void {
  for (const slot of running) if (slot.yieldNext()) return;
}
