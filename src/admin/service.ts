/** What the operator's plane needs of the gateway. `gateway.ts` provides it; tests provide a fake. */
import type { BreakerChanged, VersionState, WorkerChanged } from '../events.ts';
import type { DataPlaneService } from '../http/service.ts';

/** What is kept of one version's results. */
export interface CacheView {
  readonly results: number;
  readonly bytes: number;
  /** Looking up costs more than it saves, so next to nothing is looked up until it pays again. */
  readonly stepsAside: boolean;
}

/** One version in the table of models. Members beyond these are passed through. */
export interface ModelRow {
  readonly name: string;
  readonly version: string;
  readonly state: VersionState;
  /** Why it is UNAVAILABLE, or what was refused while it went on serving; '' otherwise. */
  readonly reason: string;
  /** Answers requests that name no version. */
  readonly stable: boolean;
  readonly labels: readonly string[];
  /** Rows per run; 0: no batch axis; undefined while unknown. */
  readonly maxBatchSize?: number | undefined;
  readonly instances?: number | undefined;
  /** What its sessions hold in the workers, as far as it was measured. */
  readonly memoryBytes?: number | undefined;
  /** Rows waiting for a worker now. */
  readonly queuedRows?: number | undefined;
  /** What is kept of its results; absent where nothing is. */
  readonly cache?: CacheView | undefined;
  /** Option → its value and where that comes from. */
  readonly settings?:
    | Readonly<Record<string, { readonly value: unknown; readonly origin: string }>>
    | undefined;
}

/** How long batches of one version take, as it was learned: of one kind of instance, for inputs of one signature. */
export interface LearnedRow {
  readonly model: string;
  readonly version: string;
  /** `cpu`, `cpu×4` with four threads a run, `cuda`. */
  readonly kind: string;
  /** Dimensions that vary, and outputs that were asked for; '' where nothing does. */
  readonly signature: string;
  /** Rows that wait together go together up to here, however few arrive. */
  readonly togetherRows: number;
  /** The smallest batch in which a row costs next to the least it can, and the one in which it costs the least. */
  readonly kneeRows: number;
  readonly bestRows: number;
  readonly arrivalsPerSecond: number;
  /** Known batch sizes, ascending; `runs`: the newest it rests on, 50 at most; 0: measured at load. */
  readonly sizes: readonly {
    readonly rows: number;
    readonly runs: number;
    readonly runMs: number;
    readonly upperMs: number;
    readonly overheadMs: number;
    readonly leastOverheadMs: number;
  }[];
}

/** One worker process. Members beyond these are passed through. */
export interface WorkerRow {
  readonly name: string;
  readonly state: WorkerChanged['state'];
  readonly pid?: number | undefined;
  /** Of what it runs on: `cpu`, `gpu:0`, a URL. */
  readonly device?: string | undefined;
  /** Resident memory. */
  readonly memoryBytes?: number | undefined;
  /** What it has loaded. */
  readonly models?:
    | readonly { readonly model: string; readonly version: string; readonly instances: number }[]
    | undefined;
  readonly restarts?: number | undefined;
  /** How it last ended, or how long it waits, ms. */
  readonly detail?: string | undefined;
}

export type WantedBreaker =
  | { readonly state: 'open'; readonly reason: string }
  | { readonly state: 'closed' };

/** The breaker of one version on one worker. */
export interface BreakerRow {
  readonly model: string;
  readonly version: string;
  readonly worker: string;
  readonly state: BreakerChanged['state'];
  /** Why it is not closed; ''. */
  readonly reason: string;
  /** Runs that ended within its window, and those of them that failed or were slow. */
  readonly calls: number;
  readonly failures: number;
  readonly slow: number;
  /** How long it has been in its state, ms. */
  readonly sinceMs: number;
  /** Until it is tried, ms; absent while it is closed or held open. */
  readonly nextTrialMs?: number | undefined;
}

/** How short of memory and time the gateway is, and what it has given up for that. */
export interface PressureView {
  /** Of the memory there is, the part in use. */
  readonly memoryShare: number;
  /** How late the event loop lately ran its timers, ms. */
  readonly loopDelayMs: number;
  /** In the order in which they are given up. */
  readonly steps: readonly { readonly step: string; readonly isOff: boolean }[];
}

export interface AdminService
  extends Pick<DataPlaneService, 'isReady' | 'statistics' | 'index' | 'load' | 'unload'> {
  models(): readonly ModelRow[];
  workers(): readonly WorkerRow[];
  learned(): readonly LearnedRow[];
  /** Drops what is kept of a model, or of one of its versions; how many results that were here. Rejects with `not-found`. */
  purge(model: string, version: string | undefined): Promise<number>;
  breakers(): readonly BreakerRow[];
  /** By hand, on every worker; open until it is closed so. Throws `not-found` for a version that is not serving. */
  setBreaker(model: string, version: string, wanted: WantedBreaker): void;
  pressure(): PressureView;
  /** The effective options and where each comes from, as JSON. Secrets are blacked out on the way out. */
  config(): unknown;
  /** Prometheus' text format. */
  metrics(): Promise<string>;
}
