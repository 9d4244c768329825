/** Models whose rows have a free length that padding does not harm. */
import { type Dimension, encodeModel, floats, integers, node, type Port } from './onnx-graph.ts';
import { gaussian } from './random.ts';

const port = (name: string, shape: readonly Dimension[]): Port => ({ name, datatype: 'FP32', shape });

/** Less than anything a test sends: what `MAX_POOL_PADDING` pads with never is the largest. */
const LOWEST = -1e30;

/** The `config.yaml` that declares padding of `elementwiseAndMax` safe. */
export const MAX_POOL_PADDING = `padding:
  inputs: { x: { axis: 1, value: ${LOWEST} } }
  outputs: { y: { axis: 1 }, largest: {} }
`;

/**
 * `x` FP32 [-1, length, 4] → `y` = 3x + 1, of the same shape, and `largest` [-1, 4] over the length. What is added to
 * a row changes no bit of what the row itself gives.
 */
export function elementwiseAndMax(): Uint8Array {
  return encodeModel({
    inputs: [port('x', ['batch', 'length', 4])],
    outputs: [port('y', ['batch', 'length', 4]), port('largest', ['batch', 4])],
    nodes: [
      node('Mul', ['x', 'three'], ['tripled']),
      node('Add', ['tripled', 'one'], ['y']),
      node('ReduceMax', ['x'], ['largest'], { axes: [1], keepdims: 0 }),
    ],
    initializers: [floats('three', [], [3]), floats('one', [], [1])],
  });
}

/** The `config.yaml` that declares padding of `tokenMlp` safe. */
export const TOKEN_PADDING = `padding:
  inputs: { tokens: { axis: 1 }, mask: { axis: 1 } }
`;

/**
 * `tokens` FP32 [-1, length, 64] and `mask` FP32 [-1, length] → `y` FP32 [-1, 10]: a layer for each token, the mean of
 * those with mask 1, then layers of `hidden` squared weights each, which cost the same for one row as for many.
 */
export function tokenMlp(hidden: readonly number[], seed = 1): Uint8Array {
  const random = gaussian(seed);
  const weights = (name: string, from: number, to: number) =>
    floats(
      name,
      [from, to],
      Float32Array.from({ length: from * to }, () => random() / Math.sqrt(from)),
    );
  const dims = [64, ...hidden, 10];
  const layers = dims.slice(1).flatMap((_, i) => {
    const last = i === dims.length - 2;
    const product = node(
      'MatMul',
      [i === 0 ? 'mean' : `relu${i}`, `weights${i}`],
      [last ? 'y' : `linear${i}`],
    );
    return last ? [product] : [product, node('Relu', [`linear${i}`], [`relu${i + 1}`])];
  });
  return encodeModel({
    inputs: [port('tokens', ['batch', 'length', 64]), port('mask', ['batch', 'length'])],
    outputs: [port('y', ['batch', 10])],
    nodes: [
      node('MatMul', ['tokens', 'embed'], ['embedded']),
      node('Unsqueeze', ['mask', 'last'], ['column']),
      node('Mul', ['embedded', 'column'], ['kept']),
      node('ReduceSum', ['kept', 'first'], ['sum'], { keepdims: 0 }),
      node('ReduceSum', ['mask', 'first'], ['count'], { keepdims: 1 }),
      node('Div', ['sum', 'count'], ['mean']),
      ...layers,
    ],
    initializers: [
      weights('embed', 64, 64),
      ...dims.slice(1).map((to, i) => weights(`weights${i}`, dims[i] as number, to)),
      integers('last', [1], [2]),
      integers('first', [1], [1]),
    ],
  });
}
