/** Wire bytes of a datatype as ONNX Runtime's tensors, and back. */
import { isUtf8 } from 'node:buffer';
import { Tensor as OrtTensor } from 'onnxruntime-node';
import { GatewayError } from '../errors.ts';
import { FramedStrings, frameLength } from '../protocol/bytes-framing.ts';
import type { Datatype, TensorSpec } from '../tensor.ts';
import type { Placed } from './slot.ts';

type Values = new (buffer: ArrayBufferLike, byteOffset: number, length: number) => OrtTensor.DataType;

/** How ONNX Runtime calls a datatype, and the typed array it takes; BYTES are strings. */
const NUMERIC = {
  BOOL: ['bool', Uint8Array],
  UINT8: ['uint8', Uint8Array],
  UINT16: ['uint16', Uint16Array],
  UINT32: ['uint32', Uint32Array],
  UINT64: ['uint64', BigUint64Array],
  INT8: ['int8', Int8Array],
  INT16: ['int16', Int16Array],
  INT32: ['int32', Int32Array],
  INT64: ['int64', BigInt64Array],
  FP16: ['float16', Uint16Array],
  FP32: ['float32', Float32Array],
  FP64: ['float64', Float64Array],
} as const satisfies Partial<
  Record<Datatype, readonly [OrtTensor.Type, Values & { BYTES_PER_ELEMENT: number }]>
>;

const DATATYPE_OF = new Map<string, Datatype>([
  ...Object.entries(NUMERIC).map(([datatype, [type]]) => [type, datatype as Datatype] as const),
  ['string', 'BYTES'],
]);

/** The wire's name of one of ONNX Runtime's element types; undefined for those that cannot travel. */
export function datatypeOf(ortType: string): Datatype | undefined {
  return DATATYPE_OF.get(ortType);
}

/** The tensor placed in `input`; numbers are not copied, strings are. Throws `model-failed` for text it cannot hold. */
export function toOrtTensor(spec: TensorSpec, input: SharedArrayBuffer, placed: Placed): OrtTensor {
  const { offset, byteLength, shape } = placed;
  if (spec.datatype === 'BYTES') {
    return new OrtTensor(
      'string',
      readStrings(Buffer.from(input as ArrayBufferLike as ArrayBuffer, offset, byteLength), spec.name),
      shape,
    );
  }
  const [type, Values] = NUMERIC[spec.datatype];
  const data = new Values(
    input as ArrayBufferLike as ArrayBuffer,
    offset,
    byteLength / Values.BYTES_PER_ELEMENT,
  );
  return new OrtTensor(type, data as never, shape);
}

/** The wire bytes of an output; a view for numbers, a copy for strings. */
export function toWireBytes(output: OrtTensor): Uint8Array {
  if (output.type === 'string') return writeStrings(output.data as readonly string[]);
  const data = output.data as Float32Array;
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/**
 * The binding passes strings as UTF-8 up to the first NUL: anything it would change fails the run, as `model-failed`
 * because it is one caller's value and the batch must be taken apart to find whose.
 */
function readStrings(framed: Buffer, name: string): string[] {
  const strings: string[] = [];
  for (let at = 0; at < framed.length; ) {
    const start = at + 4;
    const end = start <= framed.length ? start + frameLength(framed, at) : start;
    if (end > framed.length)
      throw new GatewayError('invalid', `input '${name}': element ${strings.length} is cut short`);
    const bytes = framed.subarray(start, end);
    if (!isUtf8(bytes)) throw unusable(name, strings.length, 'is not UTF-8');
    if (bytes.includes(0))
      throw unusable(name, strings.length, 'holds a NUL character, which the engine cuts off at');
    strings.push(bytes.toString('utf8'));
    at = end;
  }
  return strings;
}

function unusable(name: string, element: number, what: string): GatewayError {
  return new GatewayError('model-failed', `model failed: input '${name}': element ${element} ${what}`);
}

function writeStrings(strings: readonly string[]): Uint8Array {
  const framed = new FramedStrings();
  for (const text of strings) framed.append(text);
  return framed.bytes();
}
