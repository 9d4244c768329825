import { GatewayError } from '../errors.ts';
import { ELEMENT_BYTES, type TensorSpec } from '../tensor.ts';
import { checkBytes } from './binary-data.ts';
import { frameOne } from './bytes-framing.ts';
import type { DecodeTarget, InferRequest } from './infer-request.ts';
import type { DecodeLimits } from './limits.ts';
import { DEFAULT_PARAMETERS } from './read-parameters.ts';

const ALL_BINARY = { ...DEFAULT_PARAMETERS, binaryDataOutput: true };

/**
 * Decodes a raw request, whose body is the one input's bytes: a single row where the model batches, the one size the
 * specification leaves open following from the body's length, all outputs binary. BYTES takes the body as its only
 * element. Throws `invalid`.
 */
export function decodeRaw(body: Uint8Array, target: DecodeTarget, limits: DecodeLimits): InferRequest {
  const [spec, ...others] = target.signature.inputs;
  if (spec === undefined || others.length > 0)
    throw new GatewayError(
      'invalid',
      `a raw request needs a model with exactly one input, '${target.name}' has ${target.signature.inputs.length}`,
    );
  const shape = rawShape(spec, body.length, target.maxBatchSize > 0);
  const { name, datatype } = spec;
  let count = 1;
  for (const size of shape) count *= size;
  if (count > limits.maxElements)
    throw new GatewayError('invalid', `body: expected at most ${limits.maxElements} elements`);
  const data = datatype === 'BYTES' ? frameOne(body) : body;
  checkBytes(datatype, count, data, 'body', 'invalid');
  return {
    id: '',
    parameters: ALL_BINARY,
    inputs: [{ name, datatype, shape, data }],
    rows: 1,
    outputs: undefined,
  };
}

function rawShape(spec: TensorSpec, byteLength: number, batched: boolean): readonly number[] {
  const shape = batched ? [1, ...spec.shape.slice(1)] : [...spec.shape];
  if (spec.datatype === 'BYTES') {
    if (shape.some(size => size !== 1 && size !== -1))
      throw new GatewayError(
        'invalid',
        `a raw request of BYTES needs an input of one element, '${spec.name}' is [${spec.shape.join(',')}]`,
      );
    return shape.map(() => 1);
  }
  const open = shape.indexOf(-1);
  if (open < 0) return shape;
  if (shape.indexOf(-1, open + 1) >= 0)
    throw new GatewayError(
      'invalid',
      `a raw request needs an input with at most one variable size, '${spec.name}' is [${spec.shape.join(',')}]`,
    );
  const known = shape.reduce(
    (product, size) => (size === -1 ? product : product * size),
    ELEMENT_BYTES[spec.datatype],
  );
  if (known === 0 || byteLength % known !== 0)
    throw new GatewayError(
      'invalid',
      `body: expected a multiple of ${known} bytes for '${spec.name}', got ${byteLength}`,
    );
  shape[open] = byteLength / known;
  return shape;
}
