import type { ModelSignature } from '../inference.ts';
import type { TensorSpec } from '../tensor.ts';

/** The protocol's extensions that the gateway implements; no other may be announced. */
export const EXTENSIONS: readonly string[] = [
  'classification',
  'model_repository',
  'model_configuration',
  'binary_tensor_data',
  'parameters',
  'statistics',
  'schedule_policy',
];

export interface ServerMetadata {
  readonly name: string;
  readonly version: string;
  readonly extensions: readonly string[];
}

export interface ModelMetadata {
  readonly name: string;
  readonly versions: readonly string[];
  readonly platform: 'onnxruntime_onnx';
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly parameters?: {
    /**
     * Rows that were run beside others are used again: of its own size and the row's largest value a value may differ by
     * so much from that of the row run alone. Absent where they are not.
     */
    readonly headgate_row_tolerance: number;
  };
}

export interface DescribedModel {
  readonly signature: ModelSignature;
  readonly rowTolerance: number | undefined;
}

export function serverMetadata(name: string, version: string): ServerMetadata {
  return { name, version, extensions: EXTENSIONS };
}

/** `versions` ascending; shapes keep −1 where a size is variable, the batch axis included. */
export function modelMetadata(
  name: string,
  versions: readonly string[],
  { signature, rowTolerance }: DescribedModel,
): ModelMetadata {
  const { inputs, outputs } = signature;
  return {
    name,
    versions,
    platform: 'onnxruntime_onnx',
    inputs: inputs.map(describe),
    outputs: outputs.map(describe),
    ...(rowTolerance !== undefined && { parameters: { headgate_row_tolerance: rowTolerance } }),
  };
}

export function modelReady(name: string, ready: boolean): { readonly name: string; readonly ready: boolean } {
  return { name, ready };
}

function describe({ name, datatype, shape }: TensorSpec): TensorSpec {
  return { name, datatype, shape };
}
