import { GatewayError } from '../errors.ts';
import { type Datatype, ELEMENT_BYTES, type Tensor } from '../tensor.ts';
import { FramedStrings } from './bytes-framing.ts';
import { NUMBER_BYTES, writeFloat32 } from './number-text.ts';

type Values = ArrayLike<number> | ArrayLike<bigint>;

/**
 * The classification extension: each row's `count` highest values as BYTES `"<value>:<index>[:<label>]"`, highest
 * first, equal ones by index, NaN last. The shape is [rows, min(count, n)] where the first axis holds rows
 * (`batched`), else [min(count, n)].
 */
export function classify(
  tensor: Tensor,
  count: number,
  labels: readonly string[] | undefined,
  batched: boolean,
): Tensor {
  const values = valuesOf(tensor);
  const rows = batched ? (tensor.shape[0] as number) : 1;
  const classes = rows === 0 ? 0 : values.length / rows;
  const kept = Math.min(count, classes);
  const strings = new FramedStrings();
  for (let row = 0; row < rows; row++) {
    const from = row * classes;
    for (const index of highest(values, from, classes, kept)) {
      const text = `${valueText(tensor.datatype, values[from + index] as number | bigint)}:${index}`;
      const label = labels?.[index];
      strings.append(label === undefined ? text : `${text}:${label}`);
    }
  }
  return {
    name: tensor.name,
    datatype: 'BYTES',
    shape: batched ? [rows, kept] : [kept],
    data: strings.bytes(),
  };
}

/** Insertion is the faster up to here. */
const FEW = 64;

/** Places of the `kept` highest of `size` values from `from`, highest first. */
export function highest(values: Values, from: number, size: number, kept: number): readonly number[] {
  if (kept > FEW) return highestOfMany(values, from, size, kept);
  const top: number[] = [];
  for (let index = 0; index < size; index++) {
    const value = values[from + index] as number | bigint;
    let place = top.length;
    while (place > 0 && above(value, values[from + (top[place - 1] as number)] as number | bigint)) place--;
    if (place >= kept) continue;
    top.splice(place, 0, index);
    if (top.length > kept) top.pop();
  }
  return top;
}

/** The kept so far are a heap with the lowest on top, so that most values cost one comparison. */
function highestOfMany(values: Values, from: number, size: number, kept: number): readonly number[] {
  const precedes = (a: number, b: number): boolean => {
    const x = values[from + a] as number | bigint;
    const y = values[from + b] as number | bigint;
    return above(x, y) || (!above(y, x) && a < b);
  };
  const heap = Array.from({ length: Math.min(kept, size) }, (_, index) => index);
  for (let place = (heap.length >> 1) - 1; place >= 0; place--) sink(heap, place, precedes);
  let lowest = values[from + (heap[0] as number)] as number | bigint;
  for (let index = heap.length; index < size; index++) {
    if (!above(values[from + index] as number | bigint, lowest)) continue;
    heap[0] = index;
    sink(heap, 0, precedes);
    lowest = values[from + (heap[0] as number)] as number | bigint;
  }
  return heap.sort((a, b) => (precedes(a, b) ? -1 : 1));
}

/** Moves what is at `place` down until nothing below it comes after it. */
function sink(heap: number[], place: number, precedes: (a: number, b: number) => boolean): void {
  const moved = heap[place] as number;
  let at = place;
  for (let child = 2 * at + 1; child < heap.length; child = 2 * at + 1) {
    if (child + 1 < heap.length && precedes(heap[child] as number, heap[child + 1] as number)) child++;
    if (!precedes(moved, heap[child] as number)) break;
    heap[at] = heap[child] as number;
    at = child;
  }
  heap[at] = moved;
}

const isNaNValue = (value: number | bigint): boolean => Number.isNaN(value);
const above = (a: number | bigint, b: number | bigint): boolean => a > b || (isNaNValue(b) && !isNaNValue(a));

const scratch = Buffer.alloc(NUMBER_BYTES);
function valueText(datatype: Datatype, value: number | bigint): string {
  if (datatype !== 'FP32' || !Number.isFinite(value)) return String(value);
  return scratch.toString('latin1', 0, writeFloat32(scratch, 0, Number(value)));
}

/** The tensor's numbers in its own datatype, for reading; copied where its bytes are not aligned. */
function valuesOf({ name, datatype, data }: Tensor): Values {
  const bytes = ELEMENT_BYTES[datatype];
  const aligned = bytes > 0 && data.byteOffset % bytes === 0 ? data : new Uint8Array(data);
  const { buffer, byteOffset } = aligned;
  const length = bytes > 0 ? aligned.byteLength / bytes : 0;
  switch (datatype) {
    case 'FP32':
      return new Float32Array(buffer, byteOffset, length);
    case 'FP64':
      return new Float64Array(buffer, byteOffset, length);
    case 'FP16':
      return new Float16Array(buffer, byteOffset, length);
    case 'INT8':
      return new Int8Array(buffer, byteOffset, length);
    case 'UINT8':
      return aligned;
    case 'INT16':
      return new Int16Array(buffer, byteOffset, length);
    case 'UINT16':
      return new Uint16Array(buffer, byteOffset, length);
    case 'INT32':
      return new Int32Array(buffer, byteOffset, length);
    case 'UINT32':
      return new Uint32Array(buffer, byteOffset, length);
    case 'INT64':
      return new BigInt64Array(buffer, byteOffset, length);
    case 'UINT64':
      return new BigUint64Array(buffer, byteOffset, length);
    default:
      throw new GatewayError(
        'invalid',
        `classification: output '${name}' is ${datatype}, which has no order`,
      );
  }
}
