/** Inputs for a model of which only the signature is known: seeded, the same on every machine. */

import { frameOne } from '../protocol/bytes-framing.ts';
import {
  type Datatype,
  ELEMENT_BYTES,
  elementCount,
  type Shape,
  type Tensor,
  type TensorSpec,
} from '../tensor.ts';
import { uniform } from './random.ts';

export interface SampleOptions {
  readonly seed: number;
  /** What a first dimension of any size becomes. */
  readonly rows: number;
  /** Whole shapes by input name. */
  readonly shapes: ReadonlyMap<string, Shape>;
}

/** The inputs cannot be made from the signature alone, and the message says what is missing. */
export class SampleError extends Error {
  override readonly name = 'SampleError';
}

const MAX_BYTES = 64 * 2 ** 20;

/** One request's inputs. Throws SampleError where a size is unknown, does not fit, or is more than a request may hold. */
export function sampleInputs(specs: readonly TensorSpec[], options: SampleOptions): Tensor[] {
  const random = uniform(options.seed);
  for (const name of options.shapes.keys())
    if (!specs.some(spec => spec.name === name))
      throw new SampleError(
        `the model has no input '${name}'; it has ${specs.map(spec => `'${spec.name}'`).join(', ')}`,
      );
  return specs.map(spec => {
    const shape = shapeFor(spec, options);
    const { name, datatype } = spec;
    const bytes = elementCount(shape) * (ELEMENT_BYTES[datatype] || 8);
    if (bytes > MAX_BYTES)
      throw new SampleError(
        `input '${name}' of shape [${shape}] would take ${bytes} bytes, more than ${MAX_BYTES}`,
      );
    return { name, datatype, shape, data: fill(datatype, elementCount(shape), random) };
  });
}

/** Rows that one request carries: the first dimension of its inputs, where that is free in the signature. */
export function rowsOf(specs: readonly TensorSpec[], inputs: readonly Tensor[]): number {
  const spec = specs.find(({ shape }) => shape[0] === -1);
  return inputs.find(({ name }) => name === spec?.name)?.shape[0] ?? 1;
}

function shapeFor({ name, shape }: TensorSpec, { rows, shapes }: SampleOptions): Shape {
  const given = shapes.get(name);
  if (given !== undefined) {
    const fits = given.length === shape.length && shape.every((size, i) => size === -1 || size === given[i]);
    if (!fits)
      throw new SampleError(`input '${name}' is declared as [${shape}]; [${given}] does not fit that`);
    return given;
  }
  if (shape[0] !== -1 && rows > 1)
    throw new SampleError(`input '${name}' is declared as [${shape}]: it takes no ${rows} rows`);
  const known = shape.map((size, axis) => (size === -1 && axis === 0 ? rows : size));
  if (!known.includes(-1)) return known;
  const example = known.map(size => (size === -1 ? 128 : size)).join(',');
  throw new SampleError(
    `input '${name}' is declared as [${shape}]: say which size to measure, such as --shape ${name}=${example}, or give a request with --input`,
  );
}

/** Floats in [0, 1) with four decimals, as short in JSON as people write them; integers 0 or 1, which any table of embeddings has. */
function fill(datatype: Datatype, count: number, random: () => number): Uint8Array {
  const decimal = () => Math.round(random() * 1e4) / 1e4;
  const bit = () => (random() < 0.5 ? 0 : 1);
  switch (datatype) {
    case 'BYTES':
      return Buffer.concat(
        Array.from({ length: count }, () => frameOne(Buffer.from(`text ${Math.floor(random() * 1e6)}`))),
      );
    case 'FP16':
      return bytesOf(Float16Array.from({ length: count }, decimal));
    case 'FP32':
      return bytesOf(Float32Array.from({ length: count }, decimal));
    case 'FP64':
      return bytesOf(Float64Array.from({ length: count }, decimal));
    case 'UINT8':
      return Uint8Array.from({ length: count }, () => Math.floor(random() * 256));
    case 'INT64':
    case 'UINT64':
      return bytesOf(BigInt64Array.from({ length: count }, () => BigInt(bit())));
    case 'INT32':
    case 'UINT32':
      return bytesOf(Int32Array.from({ length: count }, bit));
    case 'INT16':
    case 'UINT16':
      return bytesOf(Int16Array.from({ length: count }, bit));
    default:
      return Uint8Array.from({ length: count }, bit);
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
}
