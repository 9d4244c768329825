/** The inputs of the units that must be run: as they came when that is all of them, else copied together. */
import type { Tensor } from '../tensor.ts';
import { bytesOfUnit, type RequestUnits } from './request-units.ts';

export function inputsOf(units: RequestUnits, wanted: readonly number[]): readonly Tensor[] {
  if (wanted.length === units.count) return units.inputs;
  return units.inputs.map(({ name, datatype, shape }, input) => ({
    name,
    datatype,
    shape: [wanted.length, ...shape.slice(1)],
    data: Buffer.concat(wanted.map(unit => bytesOfUnit(units, input, unit))),
  }));
}
