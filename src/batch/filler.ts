/** The value that fills a padded row, as one element's bytes. */
import { type Datatype, ELEMENT_BYTES } from '../tensor.ts';

type Write = (view: DataView, value: number) => void;

const WRITE: Readonly<Record<Exclude<Datatype, 'BYTES'>, Write>> = {
  BOOL: (view, value) => view.setUint8(0, value),
  UINT8: (view, value) => view.setUint8(0, value),
  UINT16: (view, value) => view.setUint16(0, value, true),
  UINT32: (view, value) => view.setUint32(0, value, true),
  UINT64: (view, value) => view.setBigUint64(0, BigInt(value), true),
  INT8: (view, value) => view.setInt8(0, value),
  INT16: (view, value) => view.setInt16(0, value, true),
  INT32: (view, value) => view.setInt32(0, value, true),
  INT64: (view, value) => view.setBigInt64(0, BigInt(value), true),
  FP16: (view, value) => view.setFloat16(0, value, true),
  FP32: (view, value) => view.setFloat32(0, value, true),
  FP64: (view, value) => view.setFloat64(0, value, true),
};

const READ: Readonly<Record<Exclude<Datatype, 'BYTES'>, (view: DataView) => number>> = {
  BOOL: view => view.getUint8(0),
  UINT8: view => view.getUint8(0),
  UINT16: view => view.getUint16(0, true),
  UINT32: view => view.getUint32(0, true),
  UINT64: view => Number(view.getBigUint64(0, true)),
  INT8: view => view.getInt8(0),
  INT16: view => view.getInt16(0, true),
  INT32: view => view.getInt32(0, true),
  INT64: view => Number(view.getBigInt64(0, true)),
  FP16: view => view.getFloat16(0, true),
  FP32: view => view.getFloat32(0, true),
  FP64: view => view.getFloat64(0, true),
};

/** The wire bytes of `value`; undefined for one the datatype has not: a fraction, too large, or BYTES. */
export function fillerOf(datatype: Datatype, value: number): Uint8Array | undefined {
  if (datatype === 'BYTES' || !Number.isFinite(value)) return undefined;
  const isFloat = datatype.startsWith('FP');
  if (!isFloat && !Number.isSafeInteger(value)) return undefined;
  if (datatype === 'BOOL' && value !== 0 && value !== 1) return undefined;
  const view = new DataView(new ArrayBuffer(ELEMENT_BYTES[datatype]));
  WRITE[datatype](view, value);
  const kept = READ[datatype](view);
  return (isFloat ? Number.isFinite(kept) : kept === value) ? new Uint8Array(view.buffer) : undefined;
}
