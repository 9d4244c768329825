/** What the pool is asked to load, and what it hands back. */
import type { Execution, ModelSignature } from '../inference.ts';
import type { DeviceKind, ExternalData } from '../protocol/load-order.ts';
import type { Datatype } from '../tensor.ts';
import type { RemoteSpec } from './remote-spec.ts';
import type { BreakerSettings } from './version-breaker.ts';
import type { VersionExecutor } from './version-executor.ts';

/** The bytes that must be loaded: a worker refuses a file whose hash differs. */
export interface VersionContent {
  /** Absolute path of the model file. */
  readonly file: string;
  readonly sha256: string;
  readonly externalData: readonly ExternalData[];
}

export interface InstanceGroup {
  readonly kind: DeviceKind;
  readonly count: number;
  /** At least 1; a run takes as many of the CPU's permits. */
  readonly intraOpThreads: number;
  /** Index of the GPU; ignored for `cpu`. */
  readonly device: number;
}

/** One input of a warm-up sample. */
export interface WarmupInput {
  /** Without the batch axis; absent: the signature's, with small sizes tried for its free dimensions. */
  readonly shape?: readonly number[];
  readonly fill: 'zero' | 'random' | number;
  /** When given it must be the signature's. */
  readonly datatype?: Datatype;
}

export interface WarmupSample {
  readonly batchSize: number;
  readonly inputs: Readonly<Record<string, WarmupInput>>;
}

export interface VersionSpec {
  readonly model: string;
  readonly version: string;
  readonly content: VersionContent;
  /** Rows per run; 0: no batch axis; undefined: find out. */
  readonly maxBatchSize: number | undefined;
  /** Sizes the batcher will send; empty: powers of two up to the maximum. */
  readonly batchSizes: readonly number[];
  /** The maximum when it is undefined and the batch axis was verified. */
  readonly derivedMaxBatchSize: number;
  readonly warmup: readonly WarmupSample[];
  /** Empty, and no remotes: one one-thread CPU instance per core. */
  readonly instances: readonly InstanceGroup[];
  /** Servers that run it too, or instead where there is no instance or no file; absent: none. */
  readonly remotes?: readonly RemoteSpec[];
  readonly isolation: 'shared' | 'dedicated';
  /** A run may take as long without hanging, ms; absent: as long as the pool lets any. */
  readonly longestRunMs?: number;
  /** Absent: `UNCONFIGURED`. */
  readonly breaker?: BreakerSettings;
}

/** How far the batch axis can be believed. */
export interface Verification {
  /** `verified`: rows were seen to be independent; `trusted`: the configuration says so; `none`: no batch axis. */
  readonly kind: 'verified' | 'trusted' | 'none';
  readonly detail: string;
}

/** The fastest of a few runs of one size, made on its instances while they were warmed. */
export interface MeasuredSize {
  /** Of the instances, as in `LoadedVersion.kinds`. */
  readonly kind: string;
  readonly rows: number;
  /** Of one row of each input. */
  readonly rowShapes: readonly (readonly number[])[];
  /** Inside the engine, ms. */
  readonly inferMs: number;
  /** From sending the run to having its answer, ms. */
  readonly roundTripMs: number;
}

export interface LoadedVersion {
  readonly signature: ModelSignature;
  /** Rows per run; 0: no batch axis. */
  readonly maxBatchSize: number;
  /** One input gave bit-identical outputs twice. False when it could not be tried. */
  readonly deterministic: boolean;
  readonly verification: Verification;
  /** Batch sizes already run on every instance. */
  readonly warmed: readonly number[];
  /** The warmed sizes, ascending, of each kind of instance; with the shape of the first warm-up sample. */
  readonly measured: readonly MeasuredSize[];
  /** The run that has as many sample rows, over and over; undefined when no sample could be made. */
  readonly sampleRun: ((rows: number) => Execution) | undefined;
  /** Kinds of its instances; a batch takes as long on all of one kind. */
  readonly kinds: readonly string[];
  readonly executor: VersionExecutor;
  readonly instances: number;
  /** What its instances hold, estimated from one of them in a process of its own. */
  readonly memoryBytes: number;
  readonly contentSha256: string;
  /** Frees the instances. Call when nothing is queued; what still runs is waited for. */
  unload(): Promise<void>;
}
