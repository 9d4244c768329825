import { encodeModel, floats, node } from '../../test/support/onnx-graph.ts';
import { gaussian } from '../../test/support/random.ts';

/**
 * `x` FP32 [-1, 3, 224, 224] → `y` FP32 [-1, 10]: the mean of each colour, then ten weighted sums. Reading the picture
 * is all the work.
 */
export function imageModel(): Uint8Array {
  const random = gaussian(3);
  const weights = Float32Array.from({ length: 30 }, random);
  return encodeModel({
    inputs: [{ name: 'x', datatype: 'FP32', shape: ['batch', 3, 224, 224] }],
    outputs: [{ name: 'y', datatype: 'FP32', shape: ['batch', 10] }],
    nodes: [
      node('GlobalAveragePool', ['x'], ['mean']),
      node('Flatten', ['mean'], ['flat'], { axis: 1 }),
      node('Gemm', ['flat', 'weights', 'bias'], ['y']),
    ],
    initializers: [
      floats('weights', [3, 10], weights),
      floats('bias', [10], Float32Array.from({ length: 10 }, random)),
    ],
  });
}
