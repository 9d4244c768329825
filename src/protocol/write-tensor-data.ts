import { GatewayError } from '../errors.ts';
import { ELEMENT_BYTES, type Tensor } from '../tensor.ts';
import { frameLength } from './bytes-framing.ts';
import type { JsonWriter } from './json-writer.ts';
import { NUMBER_BYTES, writeAscii, writeFloat32, writeInteger } from './number-text.ts';

/**
 * What a NaN or an infinity in a JSON answer becomes: an error that says to ask for binary, JSON `null`, or the
 * strings "NaN", "Infinity", "-Infinity".
 */
export type NonFinitePolicy = 'error' | 'null' | 'string';

const CHUNK = 256;
const COMMA = 0x2c;

type WriteElement = (out: Uint8Array, at: number, index: number) => number;

/** Writes `data`, flat and row-major. Throws `model-failed` for what JSON cannot carry, naming output and remedy. */
export function writeTensorData(writer: JsonWriter, tensor: Tensor, nonFinite: NonFinitePolicy): void {
  writer.raw('[');
  if (tensor.datatype === 'BYTES') writeStrings(writer, tensor);
  else writeNumbers(writer, tensor, elementWriter(tensor, nonFinite));
  writer.raw(']');
}

function writeNumbers(writer: JsonWriter, tensor: Tensor, write: WriteElement): void {
  const count = tensor.data.length / ELEMENT_BYTES[tensor.datatype];
  for (let from = 0; from < count; from += CHUNK) {
    const to = Math.min(count, from + CHUNK);
    writer.write((to - from) * (NUMBER_BYTES + 1), (out, start) => {
      let at = start;
      for (let index = from; index < to; index++) {
        if (index > 0) out[at++] = COMMA;
        at = write(out, at, index);
      }
      return at;
    });
  }
}

function writeStrings(writer: JsonWriter, { name, data }: Tensor): void {
  for (let at = 0; at < data.length; ) {
    if (at > 0) writer.raw(',');
    const length = frameLength(data, at);
    if (!writer.utf8(data.subarray(at + 4, at + 4 + length)))
      throw failed(name, 'holds bytes that are not UTF-8, which JSON cannot carry');
    at += 4 + length;
  }
}

/** A closure per tensor, made once, so that the loop over elements knows no datatype. */
function elementWriter(tensor: Tensor, nonFinite: NonFinitePolicy): WriteElement {
  const { name, datatype, data } = tensor;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  switch (datatype) {
    case 'FP32':
      return (out, at, index) => {
        const value = view.getFloat32(index * 4, true);
        return Number.isFinite(value)
          ? writeFloat32(out, at, value)
          : writeNonFinite(out, at, value, name, nonFinite);
      };
    case 'FP64':
      return (out, at, index) => {
        const value = view.getFloat64(index * 8, true);
        if (!Number.isFinite(value)) return writeNonFinite(out, at, value, name, nonFinite);
        return writeAscii(out, at, Object.is(value, -0) ? '-0' : String(value));
      };
    case 'BOOL':
      return (out, at, index) => writeAscii(out, at, data[index] === 0 ? 'false' : 'true');
    case 'UINT8':
      return (out, at, index) => writeInteger(out, at, view.getUint8(index));
    case 'INT8':
      return (out, at, index) => writeInteger(out, at, view.getInt8(index));
    case 'UINT16':
      return (out, at, index) => writeInteger(out, at, view.getUint16(index * 2, true));
    case 'INT16':
      return (out, at, index) => writeInteger(out, at, view.getInt16(index * 2, true));
    case 'UINT32':
      return (out, at, index) => writeInteger(out, at, view.getUint32(index * 4, true));
    case 'INT32':
      return (out, at, index) => writeInteger(out, at, view.getInt32(index * 4, true));
    case 'UINT64':
      return (out, at, index) => writeAscii(out, at, String(view.getBigUint64(index * 8, true)));
    case 'INT64':
      return (out, at, index) => writeInteger64(out, at, view, index * 8);
    default:
      throw failed(name, `is ${datatype}, which JSON cannot carry`);
  }
}

/** Argmax outputs and the like are small: those skip the BigInt. */
function writeInteger64(out: Uint8Array, at: number, view: DataView, offset: number): number {
  const high = view.getInt32(offset + 4, true);
  if (high === 0 || high === -1) return writeInteger(out, at, high * 2 ** 32 + view.getUint32(offset, true));
  return writeAscii(out, at, String(view.getBigInt64(offset, true)));
}

function writeNonFinite(
  out: Uint8Array,
  at: number,
  value: number,
  name: string,
  nonFinite: NonFinitePolicy,
): number {
  if (nonFinite === 'null') return writeAscii(out, at, 'null');
  if (nonFinite === 'string') return writeAscii(out, at, `"${value}"`);
  throw failed(name, `holds ${value}, which JSON cannot carry`);
}

function failed(name: string, problem: string): GatewayError {
  return new GatewayError(
    'model-failed',
    `output '${name}' ${problem}: ask for it with binary_data or binary_data_output`,
  );
}
