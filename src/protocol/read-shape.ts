import type { TensorSpec } from '../tensor.ts';
import type { JsonReader } from './json-reader.ts';
import type { DecodeLimits } from './limits.ts';

/** Reads `shape`: integers from 0 up, within the limits on rank and size. */
export function readShape(reader: JsonReader, limits: DecodeLimits): number[] {
  const shape: number[] = [];
  reader.enterArray('shape');
  while (reader.nextElement()) {
    if (shape.length === limits.maxRank)
      reader.fail('shape', `expected at most ${limits.maxRank} dimensions`);
    shape.push(readDimension(reader, shape.length, limits.maxElements));
  }
  return shape;
}

/** Elements of a shape; refuses more than the limit, so no later product can overflow. */
export function countElements(reader: JsonReader, shape: readonly number[], maxElements: number): number {
  let count = 1;
  for (let axis = 0; axis < shape.length; axis++) {
    count *= shape[axis] as number;
    if (count > maxElements) reader.fail('shape', `expected at most ${maxElements} elements`);
  }
  return count;
}

/** Refuses a shape that the specification does not allow. */
export function checkShape(reader: JsonReader, shape: readonly number[], spec: TensorSpec): void {
  const expected = spec.shape;
  if (shape.length !== expected.length)
    reader.fail(
      'shape',
      `expected ${expected.length} dimensions [${expected.join(',')}], got ${shape.length}`,
    );
  for (let axis = 0; axis < shape.length; axis++) {
    const wanted = expected[axis] as number;
    if (wanted !== -1 && shape[axis] !== wanted)
      reader.fail(`shape[${axis}]`, `expected ${wanted}, got ${shape[axis]}`);
  }
}

function readDimension(reader: JsonReader, axis: number, max: number): number {
  if (!reader.isNumberNext()) reader.fail(`shape[${axis}]`, `expected an integer, got ${reader.describe()}`);
  const size = reader.number();
  if (!Number.isInteger(size) || size < 0 || size > max)
    reader.fail(`shape[${axis}]`, `expected an integer from 0 to ${max}, got ${size}`);
  return size === 0 ? 0 : size;
}
