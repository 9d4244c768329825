/** What the batcher relies on before it puts a request's rows beside other callers'. */
import { GatewayError } from '../errors.ts';
import type { Inference } from '../inference.ts';
import type { Tensor } from '../tensor.ts';

/** The error for rows that could not be told apart later; undefined when every input has exactly `rows` of them. */
export function rowsError(inference: Inference, hasBatchAxis: boolean): GatewayError | undefined {
  const { inputs, rows } = inference;
  if (!hasBatchAxis) {
    return rows === 1
      ? undefined
      : new GatewayError('invalid', 'expected one row: the model has no batch axis');
  }
  if (!(Number.isSafeInteger(rows) && rows >= 1)) {
    return new GatewayError('invalid', 'expected at least 1 row in the first dimension of every input');
  }
  for (let i = 0; i < inputs.length; i++) {
    const { name, shape } = inputs[i] as Tensor;
    if (shape[0] === rows) continue;
    return new GatewayError(
      'invalid',
      `input "${name}": expected first dimension ${rows}, as the other inputs`,
    );
  }
  return undefined;
}

export function bytesOf({ inputs }: Inference): number {
  let bytes = 0;
  for (let i = 0; i < inputs.length; i++) bytes += (inputs[i] as Tensor).data.byteLength;
  return bytes;
}
