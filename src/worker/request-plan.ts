/**
 * The JSON part of a binary inference request, checked against the signature and turned into places: which bytes of
 * the body go where in the slot's input buffer. Pure.
 */
import { GatewayError } from '../errors.ts';
import type { ModelSignature } from '../inference.ts';
import { ELEMENT_BYTES, elementCount, type Tensor, type TensorSpec } from '../tensor.ts';
import { align, MAX_RANK, type Placed } from './slot.ts';

const MAX_DIMENSION = 2 ** 31 - 1;

export interface RequestPlan {
  /** In the signature's order. */
  readonly inputs: readonly Placed[];
  /** In the body's order: the tensor bytes fill these one after the other. */
  readonly bodyOrder: readonly Placed[];
  /** Bytes of the input buffer. */
  readonly inputBytes: number;
  /** Indexes into the signature's outputs. */
  readonly outputs: readonly number[];
  /** The instance to run on; undefined: any. */
  readonly instance: number | undefined;
}

type Json = Readonly<Record<string, unknown>>;

/**
 * The plan of a request whose inputs and outputs are all binary; undefined for any other, and for one with an `id`,
 * which `decodeInfer` reads. `tensorBytes` follow the JSON. Throws `invalid` naming the field.
 */
export function planBinary(
  json: string,
  signature: ModelSignature,
  tensorBytes: number,
  instances: number,
): RequestPlan | undefined {
  const { id, inputs, outputs, parameters } = record(parseJson(json), 'body');
  const options = parameters === undefined ? {} : record(parameters, 'parameters');
  const drafts = list(inputs, 'inputs').map((input, i) => record(input, `inputs[${i}]`));
  const asked = list(outputs ?? [], 'outputs').map((output, i) => record(output, `outputs[${i}]`));
  if (id !== undefined || !drafts.every(isBinaryInput) || !allBinary(asked, options)) return undefined;
  return {
    ...placeInputs(drafts, signature, tensorBytes),
    outputs: outputIndexes(
      asked.map(({ name }) => name),
      signature,
    ),
    instance: instanceOf(options['headgate_instance'], instances),
  };
}

/** Where tensors that are already decoded, in the signature's order, go in the input buffer. */
export function placeDecoded(tensors: readonly Tensor[]): Pick<RequestPlan, 'inputs' | 'inputBytes'> {
  let at = 0;
  const inputs = tensors.map(({ data, shape }) => {
    const placed = { offset: at, byteLength: data.length, shape };
    at = align(at + data.length);
    return placed;
  });
  return { inputs, inputBytes: at };
}

/** Indexes of the named outputs; of all where none is named. Throws `invalid`. */
export function outputIndexes(names: readonly unknown[], signature: ModelSignature): readonly number[] {
  if (names.length === 0) return signature.outputs.map((_, i) => i);
  const indexes = names.map(name => signature.outputs.findIndex(spec => spec.name === name));
  const unknown = indexes.indexOf(-1);
  if (unknown !== -1) throw wrong(`output '${String(names[unknown])}'`, 'the model has no such output');
  if (new Set(indexes).size === indexes.length) return indexes;
  throw wrong('outputs', 'an output is asked for twice');
}

/** The instance that `parameters.headgate_instance` pins a run to; undefined: any. Throws `invalid`. */
export function instanceOf(value: unknown, instances: number): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < instances) return value;
  throw wrong('parameters.headgate_instance', `expected an integer from 0 to ${instances - 1}`);
}

function isBinaryInput({ parameters }: Json): boolean {
  return (parameters as Json | undefined)?.['binary_data_size'] !== undefined;
}

function allBinary(asked: readonly Json[], options: Json): boolean {
  const otherwise = options['binary_data_output'] === true;
  if (asked.length === 0) return otherwise;
  return asked.every(({ parameters }) => {
    if (parameters === undefined) return otherwise;
    const { binary_data: binary, classification } = parameters as Json;
    return (binary ?? otherwise) === true && classification === undefined;
  });
}

function placeInputs(
  drafts: readonly Json[],
  signature: ModelSignature,
  tensorBytes: number,
): Pick<RequestPlan, 'inputs' | 'bodyOrder' | 'inputBytes'> {
  const placed = new Map<string, Placed>();
  let at = 0;
  let total = 0;
  for (const draft of drafts) {
    const spec = specOf(draft, signature);
    if (placed.has(spec.name)) throw wrong(`input '${spec.name}'`, 'given twice');
    const byteLength = binarySize(draft);
    placed.set(spec.name, { offset: at, byteLength, shape: parseShape(draft, spec, byteLength) });
    at = align(at + byteLength);
    total += byteLength;
  }
  if (total !== tensorBytes) throw wrong('body', `expected ${total} tensor bytes, got ${tensorBytes}`);
  return { inputs: inSignatureOrder(placed, signature), bodyOrder: [...placed.values()], inputBytes: at };
}

function inSignatureOrder(placed: ReadonlyMap<string, Placed>, signature: ModelSignature): readonly Placed[] {
  return signature.inputs.map(({ name }) => {
    const input = placed.get(name);
    if (input === undefined) throw wrong(`input '${name}'`, 'missing');
    return input;
  });
}

function specOf(input: Json, signature: ModelSignature): TensorSpec {
  const spec = signature.inputs.find(({ name }) => name === input['name']);
  if (spec === undefined) throw wrong(`input '${String(input['name'])}'`, 'the model has no such input');
  if (input['datatype'] === spec.datatype) return spec;
  throw wrong(`input '${spec.name}'`, `expected datatype ${spec.datatype}`);
}

/** A signature without dimensions is a scalar's or one of unknown rank: the binding cannot tell them apart. */
function parseShape(
  input: Readonly<Record<string, unknown>>,
  spec: TensorSpec,
  byteLength: number,
): readonly number[] {
  const field = `input '${spec.name}'`;
  const shape = list(input['shape'], `${field}: shape`) as readonly number[];
  const valid = shape.length <= MAX_RANK && shape.every(isDimension);
  if (!valid)
    throw wrong(`${field}: shape`, `expected at most ${MAX_RANK} integers from 0 to ${MAX_DIMENSION}`);
  if (spec.shape.length > 0 && !matches(shape, spec.shape))
    throw wrong(`${field}: shape`, `expected [${spec.shape}], got [${shape}]`);
  const size = ELEMENT_BYTES[spec.datatype];
  if (size > 0 && elementCount(shape) * size !== byteLength) {
    throw wrong(field, `expected ${elementCount(shape) * size} bytes, got ${byteLength}`);
  }
  return shape;
}

function isDimension(size: unknown): boolean {
  return typeof size === 'number' && Number.isInteger(size) && size >= 0 && size <= MAX_DIMENSION;
}

function matches(shape: readonly number[], expected: readonly number[]): boolean {
  return (
    shape.length === expected.length && expected.every((size, axis) => size === -1 || size === shape[axis])
  );
}

function binarySize({ parameters }: Json): number {
  const { binary_data_size: size } = parameters as Json;
  if (typeof size === 'number' && Number.isInteger(size) && size >= 0) return size;
  throw wrong('binary_data_size', 'expected a byte count');
}

function wrong(field: string, expected: string): GatewayError {
  return new GatewayError('invalid', `${field}: ${expected}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw wrong('body', 'the JSON part is not JSON');
  }
}

function record(value: unknown, field: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw wrong(field, 'expected an object');
}

function list(value: unknown, field: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw wrong(field, 'expected an array');
}
