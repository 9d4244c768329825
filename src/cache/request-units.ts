/**
 * A request as the cache sees it: units that can be answered each on its own. They are its rows where rows are
 * independent of each other, else there is one, the whole request.
 */
import type { Inference, ModelSignature } from '../inference.ts';
import { type RowBounds, rowBoundsOf, rowOffset, viewOfRows } from '../row-bounds.ts';
import { signatureKeyOf } from '../signature-key.ts';
import type { Tensor } from '../tensor.ts';

export interface RequestUnits {
  readonly inputs: readonly Tensor[];
  /** What must be equal besides bytes: dimensions that vary, inputs left out, and the set of outputs. */
  readonly form: string;
  /** At least 1. */
  readonly count: number;
  /** Of each input, where there are several units. */
  readonly bounds: readonly RowBounds[] | undefined;
  /** Of its units, as far as they were asked for: see `fingerprintOf`. */
  readonly fingerprints: number[];
}

/** Of more rows the whole request is the unit: looking each of them up would hold the event loop up. */
export const MOST_UNITS = 128;

export type SplitUnits = (inference: Inference) => RequestUnits;

/** `byRow`: every row is a unit. */
export function unitsOf(signature: ModelSignature, byRow: boolean): SplitUnits {
  const keyOf = signatureKeyOf(signature);
  if (!byRow) return inference => wholeUnit(inference, wholeForm(inference, keyOf));
  return inference => {
    const { inputs, rows } = inference;
    if (rows === 1) return wholeUnit(inference, keyOf(inference));
    const bounds = rows > MOST_UNITS ? [undefined] : inputs.map(input => rowBoundsOf(input, rows));
    // Bytes that are not what the shape says cannot be told apart by row: whoever runs them will say so.
    return bounds.every(one => one !== undefined)
      ? { inputs, form: keyOf(inference), count: rows, bounds, fingerprints: [] }
      : wholeUnit(inference, wholeForm(inference, keyOf));
  };
}

/** A view of one unit's bytes of one input. */
export function bytesOfUnit(units: RequestUnits, input: number, unit: number): Uint8Array {
  const { data } = units.inputs[input] as Tensor;
  const bounds = units.bounds?.[input];
  return bounds === undefined ? data : viewOfRows(data, bounds, unit, 1);
}

export function byteLengthOfUnit({ inputs, bounds }: RequestUnits, input: number, unit: number): number {
  const rows = bounds?.[input];
  if (rows === undefined) return (inputs[input] as Tensor).data.length;
  return rowOffset(rows, unit + 1) - rowOffset(rows, unit);
}

/** One unit with bytes of its own. */
export function copyOfUnit(units: RequestUnits, unit: number): RequestUnits {
  const inputs = units.inputs.map(({ name, datatype, shape }, input) => ({
    name,
    datatype,
    shape: units.bounds === undefined ? shape : [1, ...shape.slice(1)],
    data: new Uint8Array(bytesOfUnit(units, input, unit)),
  }));
  return { inputs, form: units.form, count: 1, bounds: undefined, fingerprints: [] };
}

/** The same question: equal forms and, input by input, equal bytes. */
export function sameUnit(a: RequestUnits, unitOfA: number, b: RequestUnits, unitOfB: number): boolean {
  if (a.form !== b.form || a.inputs.length !== b.inputs.length) return false;
  for (let input = 0; input < a.inputs.length; input++) {
    if (Buffer.compare(bytesOfUnit(a, input, unitOfA), bytesOfUnit(b, input, unitOfB)) !== 0) return false;
  }
  return true;
}

function wholeUnit({ inputs }: Inference, form: string): RequestUnits {
  return { inputs, form, count: 1, bounds: undefined, fingerprints: [] };
}

/** With the first dimension of every input, which the signature's key leaves out. */
function wholeForm(inference: Inference, keyOf: (inference: Inference) => string): string {
  let form = `${keyOf(inference)}#`;
  for (const { shape } of inference.inputs) form += `${shape[0] ?? ''},`;
  return form;
}
