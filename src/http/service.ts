/** What the data plane needs of the gateway. `gateway.ts` provides it; tests provide a fake. */
import type { Route, VersionState } from '../events.ts';
import type { Inference, ModelSignature, Submission } from '../inference.ts';

/** The version that answers one request, chosen before its body is decoded: decoding needs the signature. */
export interface Target {
  readonly model: string;
  readonly version: string;
  readonly route: Route;
  readonly signature: ModelSignature;
  /** Rows per run; 0: no batch axis. Metadata and row counts follow it. */
  readonly maxBatchSize: number;
  /** Default deadline of a request, ms. */
  readonly timeoutMs: number;
  /** The most a request may ask for, ms. */
  readonly maxTimeoutMs: number;
  /** Levels of urgency a request may ask for: 1, the most urgent, to this, the default. 1: all are equal. */
  readonly priorityLevels: number;
  /** Output name → class labels by index, for the classification extension. */
  readonly classLabels: ReadonlyMap<string, readonly string[]>;
  /** By how much values may differ with the rows that were run beside theirs, where rows are reused; else undefined. */
  readonly rowTolerance: number | undefined;
  /** Are results of it kept? */
  readonly caches: boolean;
  submit(inference: Inference): Submission;
}

export interface IndexEntry {
  readonly name: string;
  readonly version: string;
  readonly state: VersionState;
  readonly reason: string;
}

export interface DataPlaneService {
  /** False once draining has begun, or while a required model cannot answer. */
  isReady(): boolean;
  /** False: inferences on connections made from now on are refused. */
  takesConnections(): boolean;
  /** `version` is a number or a label, or undefined for the default. Throws `not-found` or `unavailable`. */
  target(model: string, version: string | undefined): Target;
  /** Versions that can answer, ascending. Throws `not-found`. */
  readyVersions(model: string): readonly string[];
  /** The model's configuration in Triton's ModelConfig JSON shape. Throws `not-found` or `unavailable`. */
  modelConfig(model: string, version: string | undefined): Record<string, unknown>;
  /** Elements of `model_stats`; every model when none is named. Throws `not-found`. */
  statistics(model?: string, version?: string): readonly Record<string, unknown>[];
  index(readyOnly: boolean): readonly IndexEntry[];
  /** Resolves when the model's wanted versions are ready. `config` is an optional per-model configuration as JSON text. */
  load(model: string, config: string | undefined): Promise<void>;
  unload(model: string): Promise<void>;
}
