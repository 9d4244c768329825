/**
 * A request as the cache sees it: units that can be answered each on its own. They are its rows where rows are
 * independent of each other, else there is one, the whole request.
 */
import type { Inference, ModelSignature } from '../inference.ts';
import { type RowBounds, rowBoundsOf, rowOffset, viewOfRows } from '../row-bounds.ts';
import { signatureKeyOf } from '../signature-key.ts';
import type { Tensor } from '../tensor.ts';

export class RequestUnits {
  readonly inference: Inference;
  /** At least 1. */
  readonly count: number;
  /** Of each input, where there are several units. */
  readonly bounds: readonly RowBounds[] | undefined;
  /** Of its units, as far as they were asked for: see `fingerprintOf`. */
  fingerprints: number[] | undefined = undefined;
  readonly #formOf: FormOf;
  #form: string | undefined = undefined;

  constructor(inference: Inference, formOf: FormOf, count: number, bounds: RequestUnits['bounds']) {
    this.inference = inference;
    this.count = count;
    this.bounds = bounds;
    this.#formOf = formOf;
  }

  get inputs(): readonly Tensor[] {
    return this.inference.inputs;
  }

  /**
   * What must be equal besides bytes: dimensions that vary, inputs left out, and the set of outputs. Written when it is
   * asked for: most of those that are passed by never are.
   */
  get form(): string {
    this.#form ??= this.#formOf(this.inference);
    return this.#form;
  }
}

type FormOf = (inference: Inference) => string;

/** Of more rows the whole request is the unit: looking each of them up would hold the event loop up. */
export const MOST_UNITS = 128;

export type SplitUnits = (inference: Inference) => RequestUnits;

/**
 * `byRow`: every row is a unit. `hasRows`: the first dimension is that of rows; then a request of one row has the form
 * of a row either way.
 */
export function unitsOf(signature: ModelSignature, byRow: boolean, hasRows = byRow): SplitUnits {
  const formOfRow = signatureKeyOf(signature);
  const formOfWhole = (inference: Inference) => `${formOfRow(inference)}#${firstDimensions(inference)}`;
  if (!byRow) {
    return inference =>
      new RequestUnits(inference, hasRows && inference.rows === 1 ? formOfRow : formOfWhole, 1, undefined);
  }
  return inference => {
    const { inputs, rows } = inference;
    if (rows === 1) return new RequestUnits(inference, formOfRow, 1, undefined);
    const bounds = rows > MOST_UNITS ? [undefined] : inputs.map(input => rowBoundsOf(input, rows));
    // Bytes that are not what the shape says cannot be told apart by row: whoever runs them will say so.
    return bounds.every(one => one !== undefined)
      ? new RequestUnits(inference, formOfRow, rows, bounds)
      : new RequestUnits(inference, formOfWhole, 1, undefined);
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
  const { form } = units;
  return new RequestUnits({ ...units.inference, inputs }, () => form, 1, undefined);
}

/** The same question: equal forms and, input by input, equal bytes. */
export function sameUnit(a: RequestUnits, unitOfA: number, b: RequestUnits, unitOfB: number): boolean {
  if (a.form !== b.form || a.inputs.length !== b.inputs.length) return false;
  for (let input = 0; input < a.inputs.length; input++) {
    if (Buffer.compare(bytesOfUnit(a, input, unitOfA), bytesOfUnit(b, input, unitOfB)) !== 0) return false;
  }
  return true;
}

/** Which the signature's key leaves out. */
function firstDimensions({ inputs }: Inference): string {
  let text = '';
  for (const { shape } of inputs) text += `${shape[0] ?? ''},`;
  return text;
}
