/**
 * What happens, as typed events. Logic emits them and knows nothing of metrics or logs; `telemetry/` listens.
 * Handlers run synchronously on the request path, so they only count.
 */
import { EventEmitter } from 'node:events';
import type { ErrorCode } from './errors.ts';
import type { CacheOutcome } from './inference.ts';
import type { Step } from './pressure.ts';

/** How a version came to answer; the value of the `headgate-route` header. */
export type Route = 'stable' | 'canary' | 'label' | 'pinned' | 'fallback';

export interface RequestDone {
  readonly model: string;
  /** '' when no version was chosen. */
  readonly version: string;
  readonly route: Route;
  readonly outcome: 'ok' | ErrorCode;
  readonly rows: number;
  /** Of them, those that were run for it: the others were known, or run for another. */
  readonly rowsRun: number;
  /** Undefined where no cache had a part in it. */
  readonly cache: CacheOutcome | undefined;
  /** From the request's first byte being routed to its answer being written, ms. */
  readonly totalMs: number;
  readonly queueMs: number;
  readonly inferMs: number;
  /** Checking and turning the request's bytes into tensors, ms; 0 when it never got there. */
  readonly decodeMs: number;
  readonly encodeMs: number;
}

export interface BatchDone {
  readonly model: string;
  readonly version: string;
  /** Callers' rows, without padding. */
  readonly rows: number;
  readonly paddedRows: number;
  /** Of all inputs as they were run: rows × elements a row. */
  readonly elements: number;
  /** Of them, those no caller sent: padded rows, and the padding of shorter rows. */
  readonly paddingElements: number;
  readonly requests: number;
  /** Inside the engine, ms; 0 when it failed. */
  readonly inferMs: number;
  /** From sending the batch to having its answer, ms. */
  readonly roundTripMs: number;
  readonly outcome: 'ok' | ErrorCode;
  /** Where it ran again after it had failed with others, or before; `hedged`: beside a run that takes long; undefined: it was the first. */
  readonly again: 'anywhere' | 'apart' | 'hedged' | undefined;
}

/** An input that took its worker down, alone and not for the first time, is refused from now on. */
export interface InputCondemned {
  readonly model: string;
  readonly version: string;
}

/** A version's life as the repository index reports it. */
export type VersionState = 'LOADING' | 'READY' | 'UNLOADING' | 'UNAVAILABLE';

export interface VersionChanged {
  readonly model: string;
  readonly version: string;
  readonly state: VersionState;
  /** Why it is UNAVAILABLE; '' otherwise. */
  readonly reason: string;
}

/** The detail of a worker that exited because it was told to. */
export const STOPPED = 'stopped';

export interface WorkerChanged {
  readonly worker: string;
  /** `unreachable`: a remote that does not answer, or not as it should. */
  readonly state: 'starting' | 'ready' | 'exited' | 'waiting' | 'unreachable';
  readonly pid: number | undefined;
  /** For `exited`: signal or exit code, or `STOPPED`; for `waiting`: the back-off in ms; for `unreachable`: why. */
  readonly detail: string;
}

/** A run took longer than it may: its worker is killed. */
export interface RunHung {
  readonly model: string;
  readonly version: string;
  readonly worker: string;
  /** ms. */
  readonly ageMs: number;
  readonly allowedMs: number;
}

/** `killed`: by somebody else, or the kernel. `exit`: it ended by itself, or could not be started. */
export type DeathCause = 'crash' | 'hang' | 'memory' | 'killed' | 'exit';

/** A worker that serves has lost its process, and not because the gateway closes. */
export interface WorkerDied {
  readonly worker: string;
  readonly cause: DeathCause;
}

/** A version takes its own worker down again and again; or no longer does. */
export interface QuarantineChanged {
  readonly model: string;
  readonly version: string;
  readonly worker: string;
  readonly quarantined: boolean;
  /** '' when it ended. */
  readonly reason: string;
}

/** A group of a version's instances is left out for being slow; or is back. */
export interface EjectionChanged {
  readonly model: string;
  readonly version: string;
  readonly worker: string;
  readonly ejected: boolean;
  /** '' when it is back. */
  readonly reason: string;
}

/** The breaker of one version on one worker. */
export interface BreakerChanged {
  readonly model: string;
  readonly version: string;
  readonly worker: string;
  readonly state: 'closed' | 'open' | 'trying';
  /** Why it is not closed; ''. */
  readonly reason: string;
  /** Until it tries, ms; undefined while it is closed or held open. */
  readonly nextTrialMs: number | undefined;
}

/** The process is short of memory or time, or no longer: a step was taken, or taken back. */
export interface PressureChanged {
  readonly step: Step;
  readonly isOff: boolean;
  readonly memoryShare: number;
  readonly loopDelayMs: number;
}

export interface Refused {
  /** What was refused: a configuration file's path relative to where it was looked for. */
  readonly source: string;
  readonly message: string;
}

export interface SharedCacheChanged {
  /** `connected`, `disconnected`, or its breaker's. */
  readonly state: string;
  /** Why; ''. */
  readonly detail: string;
}

export interface GatewayEvents {
  'request:done': [RequestDone];
  'batch:done': [BatchDone];
  'input:condemned': [InputCondemned];
  'version:changed': [VersionChanged];
  'worker:changed': [WorkerChanged];
  'run:hung': [RunHung];
  'worker:died': [WorkerDied];
  'quarantine:changed': [QuarantineChanged];
  'ejection:changed': [EjectionChanged];
  'breaker:changed': [BreakerChanged];
  'pressure:changed': [PressureChanged];
  /** More connections than may be at once: one was closed unread. */
  'connection:dropped': [];
  'shared-cache:changed': [SharedCacheChanged];
  /** A value in it that no gateway wrote for its key. */
  'shared-cache:refused': [];
  'config:refused': [Refused];
  /** Served all the same, without what the message names. */
  'config:ignored': [Refused];
  /** A line of the log that nobody took in time. */
  'log:dropped': [];
}

export type Events = EventEmitter<GatewayEvents>;

export function createEvents(): Events {
  return new EventEmitter<GatewayEvents>();
}
