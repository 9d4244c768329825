import type { DeathCause } from '../events.ts';
import type { ExitReason } from './worker-process.ts';

const CRASHES = /^SIG(SEGV|ABRT|BUS|ILL|FPE|TRAP|SYS)$/;

/** Why a process is gone, by how it ended and, where the gateway ended it, what for. */
export function deathCause(reason: ExitReason, endedFor: 'hang' | 'memory' | undefined): DeathCause {
  if (endedFor !== undefined) return endedFor;
  if (CRASHES.test(reason)) return 'crash';
  return reason.startsWith('SIG') ? 'killed' : 'exit';
}

/** Whether what ran there did it. SIGKILL is somebody's will, or the kernel's for want of memory. */
export function isOwnDoing(cause: DeathCause): boolean {
  return cause === 'crash' || cause === 'hang' || cause === 'memory';
}
