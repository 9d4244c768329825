/** Tensors as a Triton configuration declares them, and whether a model keeps that word. */
import type { ModelSignature } from '../inference.ts';
import type { Datatype, Shape, TensorSpec } from '../tensor.ts';

/** Shapes without the batch axis where the model has one. */
export interface DeclaredTensors {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
}

const TRITON_TYPE: Readonly<Record<Datatype, string>> = {
  BOOL: 'TYPE_BOOL',
  UINT8: 'TYPE_UINT8',
  UINT16: 'TYPE_UINT16',
  UINT32: 'TYPE_UINT32',
  UINT64: 'TYPE_UINT64',
  INT8: 'TYPE_INT8',
  INT16: 'TYPE_INT16',
  INT32: 'TYPE_INT32',
  INT64: 'TYPE_INT64',
  FP16: 'TYPE_FP16',
  FP32: 'TYPE_FP32',
  FP64: 'TYPE_FP64',
  BYTES: 'TYPE_STRING',
};

export function tritonType(datatype: Datatype): string {
  return TRITON_TYPE[datatype];
}

export function datatypeOfTriton(name: string): Datatype | undefined {
  return (Object.keys(TRITON_TYPE) as Datatype[]).find(datatype => TRITON_TYPE[datatype] === name);
}

/** Why a model is not what was declared of it, or undefined. `maxBatchSize` 0: declared shapes are complete. */
export function declarationMismatch(
  declared: DeclaredTensors,
  signature: ModelSignature,
  maxBatchSize: number,
): string | undefined {
  return (
    mismatch('input', declared.inputs, signature.inputs, maxBatchSize > 0) ??
    mismatch('output', declared.outputs, signature.outputs, maxBatchSize > 0)
  );
}

function mismatch(
  kind: string,
  declared: readonly TensorSpec[],
  actual: readonly TensorSpec[],
  batched: boolean,
): string | undefined {
  for (const { name, datatype, shape } of declared) {
    const tensor = actual.find(candidate => candidate.name === name);
    if (tensor === undefined) {
      const names = actual.map(candidate => candidate.name).join(', ');
      return `${kind} '${name}' is declared but the model has ${names}`;
    }
    if (tensor.datatype !== datatype) {
      return `${kind} '${name}' is declared ${datatype} but the model has ${tensor.datatype}`;
    }
    const full = batched ? [-1, ...shape] : shape;
    if (!compatible(full, tensor.shape)) {
      return `${kind} '${name}' is declared [${full.join(', ')}] but the model has [${tensor.shape.join(', ')}]`;
    }
  }
  return undefined;
}

function compatible(declared: Shape, actual: Shape): boolean {
  if (declared.length !== actual.length) return false;
  return declared.every((size, i) => size === -1 || actual[i] === -1 || size === actual[i]);
}
