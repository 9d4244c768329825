/** A process that does nothing but watch its own event loop: what the machine's scheduling alone costs. */
import { monitorEventLoopDelay } from 'node:perf_hooks';

// As the gateway watches its own.
const RESOLUTION_MS = 20;

const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
delay.enable();
process.on('message', () => {
  process.send?.(Math.max(0, delay.percentile(99) / 1e6 - RESOLUTION_MS));
  delay.reset();
});
process.on('disconnect', () => process.exit(0));
