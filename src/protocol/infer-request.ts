import type { ModelSignature } from '../inference.ts';
import type { Tensor } from '../tensor.ts';

/** What decoding needs to know of the version that will answer. */
export interface DecodeTarget {
  readonly name: string;
  readonly signature: ModelSignature;
  /** Rows per run; 0: no batch axis. */
  readonly maxBatchSize: number;
}

export type ParameterValue = string | number | boolean;

export interface RequestParameters {
  /** 1 is the most urgent; undefined where none or 0 was given. */
  readonly priority: number | undefined;
  /** Undefined where none or 0 was given. */
  readonly timeoutUs: number | undefined;
  readonly binaryDataOutput: boolean;
  /** Every other parameter, by name. */
  readonly custom: ReadonlyMap<string, ParameterValue>;
}

export interface RequestedOutput {
  readonly name: string;
  /** Undefined: as `binaryDataOutput` says. */
  readonly binary: boolean | undefined;
  /** How many classes to answer with instead of the tensor; 0: the tensor itself. */
  readonly classification: number;
}

/** An inference request checked against its model's signature. */
export interface InferRequest {
  /** '' where none was given. */
  readonly id: string;
  readonly parameters: RequestParameters;
  /** In the signature's order; `data` is a view of the body where it came as binary. */
  readonly inputs: readonly Tensor[];
  /** Rows along the batch axis, ≥ 1 and not limited to the model's batch size; 1 for a model without one. */
  readonly rows: number;
  /** In the caller's order; undefined: all, where none were listed. */
  readonly outputs: readonly RequestedOutput[] | undefined;
}
