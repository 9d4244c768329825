/** How many steps to take against pressure: a pure decision. */
import { STEPS, type Step } from '../pressure.ts';

export interface Strain {
  /** Of the memory there is, the part in use. */
  readonly memoryShare: number;
  /** How late the event loop lately ran its timers, ms. */
  readonly loopDelayMs: number;
}

/**
 * From where a step is taken. The loop's: an answer waits for a few turns of it, so its delay is what every caller
 * pays, several times; half of it ends the step. The memory's: well before the kernel, or V8, ends a process.
 */
const FROM: Readonly<Record<Step, Strain>> = {
  hedging: { memoryShare: 0.85, loopDelayMs: 25 },
  'cache-writes': { memoryShare: 0.88, loopDelayMs: 50 },
  'low-priority': { memoryShare: 0.91, loopDelayMs: 80 },
  connections: { memoryShare: 0.95, loopDelayMs: 200 },
};
/** So much less than where it was taken ends a step: else it would come and go. */
const MEMORY_RELIEF = 0.03;
const LOOP_RELIEF = 0.5;

/** One step more, one less, or as many: so that each is seen to do what it can before the next. */
export function stepsAfter(taken: number, { memoryShare, loopDelayMs }: Strain): number {
  const next = STEPS[taken];
  const last = STEPS[taken - 1];
  if (next !== undefined) {
    const from = FROM[next];
    if (memoryShare >= from.memoryShare || loopDelayMs >= from.loopDelayMs) return taken + 1;
  }
  if (last === undefined) return taken;
  const from = FROM[last];
  const isRelieved =
    memoryShare < from.memoryShare - MEMORY_RELIEF && loopDelayMs < from.loopDelayMs * LOOP_RELIEF;
  return isRelieved ? taken - 1 : taken;
}
