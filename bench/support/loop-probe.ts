/**
 * Loaded into a gateway (`node --import`), it watches the event loop in a way that other processes on the same cores
 * disturb little: of each delay of a timer, it counts only as much as its own thread computed meanwhile. SIGUSR2 writes
 * the p99 since the last SIGUSR2, ms, to the file that LOOP_PROBE_FILE names.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { createHistogram } from 'node:perf_hooks';

/** Short, because what the thread computed before the timer was due counts too. */
const INTERVAL_MS = 2;

const file = process.env['LOOP_PROBE_FILE'] ?? '';
const delays = createHistogram();
let lastMs = performance.now();
let lastCpuUs = cpuUs();

function cpuUs(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}

function look(): void {
  const [nowMs, nowCpuUs] = [performance.now(), cpuUs()];
  const lateUs = (nowMs - lastMs - INTERVAL_MS) * 1000;
  delays.record(Math.max(1, Math.round(Math.min(lateUs, nowCpuUs - lastCpuUs))));
  [lastMs, lastCpuUs] = [nowMs, nowCpuUs];
  setTimeout(look, INTERVAL_MS).unref();
}

process.on('SIGUSR2', () => {
  const partial = `${file}.partial`;
  writeFileSync(partial, String(delays.percentile(99) / 1000));
  renameSync(partial, file);
  delays.reset();
});
look();
