/** Small ONNX models whose answers are known by arithmetic. Each function returns the bytes of a `model.onnx`. */
import type { Datatype } from '../../src/tensor.ts';
import { type Dimension, encodeModel, floats, integers, node, type Port, truth } from './onnx-graph.ts';
import { gaussian } from './random.ts';

export { writeRepository, writeVersion } from './repository.ts';

const port = (name: string, shape: readonly Dimension[], datatype: Datatype = 'FP32'): Port => ({
  name,
  datatype,
  shape,
});

/** `y` = `x`. A −1 in `shape` becomes a dynamic axis, the same in `x` and `y`; a name does too. */
export function identity({
  datatype = 'FP32',
  shape = [-1, 4],
}: {
  readonly datatype?: Datatype;
  readonly shape?: readonly Dimension[];
} = {}): Uint8Array {
  const named = shape.map((size, axis) => (size === -1 ? `axis${axis}` : size));
  return encodeModel({
    inputs: [port('x', named, datatype)],
    outputs: [port('y', named, datatype)],
    nodes: [node('Identity', ['x'], ['y'])],
  });
}

/** `x` FP32 [-1, first of `dims`] → `y` FP32 [-1, last]: Gemm + Relu layers, random weights from `seed`, no Relu at the end. */
export function mlp(dims: readonly number[], seed = 1): Uint8Array {
  const random = gaussian(seed);
  const layers = dims.slice(1).map((to, i) => {
    const from = dims[i] as number;
    const weights = Float32Array.from({ length: from * to }, () => random() / Math.sqrt(from));
    const bias = Float32Array.from({ length: to }, () => random() * 0.1);
    return { from, to, weights, bias };
  });
  return encodeLayers(layers, { input: 'x', output: 'y', last: undefined });
}

export interface Layer {
  readonly from: number;
  readonly to: number;
  /** [from, to], row-major. */
  readonly weights: Float32Array;
  readonly bias: Float32Array;
}

/** Gemm layers with Relu between them; `last` names an operator over each row after the final one, such as Softmax. */
export function encodeLayers(
  layers: readonly Layer[],
  { input, output, last }: { input: string; output: string; last: 'Softmax' | undefined },
): Uint8Array {
  const end = layers.length - 1;
  const nodes = layers.flatMap((_, i) => {
    const from = i === 0 ? input : `hidden${i - 1}`;
    const to = i === end && last === undefined ? output : `linear${i}`;
    const gemm = node('Gemm', [from, `weights${i}`, `bias${i}`], [to]);
    if (i < end) return [gemm, node('Relu', [to], [`hidden${i}`])];
    return last === undefined ? [gemm] : [gemm, node(last, [to], [output], { axis: -1 })];
  });
  return encodeModel({
    inputs: [port(input, ['batch', layers[0]?.from ?? 0])],
    outputs: [port(output, ['batch', layers[end]?.to ?? 0])],
    nodes,
    initializers: layers.flatMap(({ from, to, weights, bias }, i) => [
      floats(`weights${i}`, [from, to], weights),
      floats(`bias${i}`, [to], bias),
    ]),
  });
}

/** `x` FP32 [-1, k] → `plus_one` = x + 1 and `doubled` = x · 2, both [-1, k]. */
export function twoOutputs(k = 4): Uint8Array {
  return encodeModel({
    inputs: [port('x', ['batch', k])],
    outputs: [port('plus_one', ['batch', k]), port('doubled', ['batch', k])],
    nodes: [node('Add', ['x', 'one'], ['plus_one']), node('Mul', ['x', 'two'], ['doubled'])],
    initializers: [floats('one', [], [1]), floats('two', [], [2])],
  });
}

/** `a`, `b` FP32 [-1, k] → `sum` = a + b and `difference` = a − b, both [-1, k]. */
export function twoInputs(k = 4): Uint8Array {
  return encodeModel({
    inputs: [port('a', ['batch', k]), port('b', ['batch', k])],
    outputs: [port('sum', ['batch', k]), port('difference', ['batch', k])],
    nodes: [node('Add', ['a', 'b'], ['sum']), node('Sub', ['a', 'b'], ['difference'])],
  });
}

/** `x` FP32 [-1, k] → `y` [-1, k], each column divided over the rows: the first axis is dynamic but no batch axis. */
export function softmaxOverBatch(k = 4): Uint8Array {
  return encodeModel({
    inputs: [port('x', ['length', k])],
    outputs: [port('y', ['length', k])],
    nodes: [node('Softmax', ['x'], ['y'], { axis: 0 })],
  });
}

/** `x` FP32 [-1, k] → `y` [1, k], the sum over all rows: dynamic first axis, one row out. */
export function sumOverBatch(k = 4): Uint8Array {
  return encodeModel({
    inputs: [port('x', ['length', k])],
    outputs: [port('y', [1, k])],
    nodes: [node('ReduceSum', ['x', 'axes'], ['y'], { keepdims: 1 })],
    initializers: [integers('axes', [1], [0])],
  });
}

/** `x` FP32 [-1, k] → `y` = x + `constant`: tells one content from another. */
export function addConstant(constant: number, k = 4): Uint8Array {
  return encodeModel({
    inputs: [port('x', ['batch', k])],
    outputs: [port('y', ['batch', k])],
    nodes: [node('Add', ['x', 'constant'], ['y'])],
    initializers: [floats('constant', [], [constant])],
  });
}

/** `x` FP32 [1, k] → `y` = x + 1; takes exactly one row. */
export function fixedBatch(k = 4): Uint8Array {
  return encodeModel({
    inputs: [port('x', [1, k])],
    outputs: [port('y', [1, k])],
    nodes: [node('Add', ['x', 'one'], ['y'])],
    initializers: [floats('one', [], [1])],
  });
}

/** `index` INT64 [-1, 1] → `y` FP32 [-1, 1] = index · 10; an index outside −size … size − 1 makes the run fail. */
export function gather(size = 8): Uint8Array {
  return encodeModel({
    inputs: [port('index', ['batch', 1], 'INT64')],
    outputs: [port('y', ['batch', 1])],
    nodes: [node('Gather', ['table', 'index'], ['y'], { axis: 0 })],
    initializers: [
      floats(
        'table',
        [size],
        Float32Array.from({ length: size }, (_, i) => i * 10),
      ),
    ],
  });
}

const stepBody = (width: number) => ({
  inputs: [port('i', [], 'INT64'), port('go', [], 'BOOL'), port('at', ['batch', width])],
  outputs: [port('go_on', [], 'BOOL'), port('next', ['batch', width])],
  nodes: [node('Identity', ['go'], ['go_on']), node('MatMul', ['at', 'unit'], ['next'])],
});
const unit = (width: number) =>
  floats(
    'unit',
    [width, width],
    Float32Array.from({ length: width * width }, (_, i) => (i % (width + 1) === 0 ? 1 : 0)),
  );

/** `x` FP32 [-1, width] → `y` = x after `iterations` products with the unit matrix: slow, by a few µs (width 64) a turn. */
export function slow(iterations = 1000, width = 64): Uint8Array {
  return encodeModel({
    inputs: [port('x', ['batch', width])],
    outputs: [port('y', ['batch', width])],
    nodes: [node('Loop', ['iterations', 'go', 'x'], ['y'], { body: stepBody(width) })],
    initializers: [integers('iterations', [], [iterations]), truth('go', true), unit(width)],
  });
}

/**
 * As `slow`, but a batch takes as many turns more as its smallest value is below 0: one row of −10¹² and its run hangs,
 * whoever else is in it.
 */
export function lagging(iterations = 1000, width = 64): Uint8Array {
  return encodeModel({
    inputs: [port('x', ['batch', width])],
    outputs: [port('y', ['batch', width])],
    nodes: [
      node('ReduceMin', ['x'], ['least'], { keepdims: 0 }),
      node('Min', ['least', 'none'], ['below']),
      node('Neg', ['below'], ['lag']),
      node('Cast', ['lag'], ['more'], { to: 7 }),
      node('Add', ['iterations', 'more'], ['turns']),
      node('Loop', ['turns', 'go', 'x'], ['y'], { body: stepBody(width) }),
    ],
    initializers: [
      integers('iterations', [], [iterations]),
      truth('go', true),
      floats('none', [], [0]),
      unit(width),
    ],
  });
}

/**
 * `iterations` INT64 [-1, 1] → `y` INT64 [-1, 1], the same, after that many loop turns (the largest of the batch): one
 * caller can make a run as long as it likes; 10¹² is a hang.
 */
export function spin(width = 64): Uint8Array {
  return encodeModel({
    inputs: [port('iterations', ['batch', 1], 'INT64')],
    outputs: [port('y', ['batch', 1], 'INT64')],
    nodes: [
      node('ReduceMax', ['iterations'], ['turns'], { keepdims: 0 }),
      node('Loop', ['turns', 'go', 'start'], ['end'], { body: stepBody(width) }),
      node('ReduceSum', ['end'], ['total'], { keepdims: 0 }),
      node('Mul', ['total', 'none'], ['zero']),
      node('Cast', ['zero'], ['zero_integer'], { to: 7 }),
      node('Add', ['iterations', 'zero_integer'], ['y']),
    ],
    initializers: [
      truth('go', true),
      floats('none', [], [0]),
      floats('start', [1, width], new Float32Array(width).fill(1)),
      unit(width),
    ],
  });
}

/** `length` INT64 [1] → `y` FP32 [-1], that many ones: the output's size is in the data. A huge one exhausts memory. */
export function expand(): Uint8Array {
  return encodeModel({
    inputs: [port('length', [1], 'INT64')],
    outputs: [port('y', ['length_out'])],
    nodes: [node('Expand', ['one', 'length'], ['y'])],
    initializers: [floats('one', [1], [1])],
  });
}

/** `x` FP32 [-1, k] → `y` = x / 0: 0 gives NaN, 1 gives ∞, −1 gives −∞. */
export function nan(k = 4): Uint8Array {
  return encodeModel({
    inputs: [port('x', ['batch', k])],
    outputs: [port('y', ['batch', k])],
    nodes: [node('Div', ['x', 'zero'], ['y'])],
    initializers: [floats('zero', [], [0])],
  });
}

/** `x` FP32 [-1, k] → `y` = x + noise that is new in every run: answers one input differently twice. */
export function nonDeterministic(k = 4): Uint8Array {
  return encodeModel({
    inputs: [port('x', ['batch', k])],
    outputs: [port('y', ['batch', k])],
    nodes: [node('RandomNormalLike', ['x'], ['noise']), node('Add', ['x', 'noise'], ['y'])],
  });
}

/** `a`, `b` FP32 [-1, -1] → `y` [-1, -1], side by side: rows of any length, so one version has many shapes. */
export function concat(): Uint8Array {
  return encodeModel({
    inputs: [port('a', ['batch', 'left']), port('b', ['batch', 'right'])],
    outputs: [port('y', ['batch', 'both'])],
    nodes: [node('Concat', ['a', 'b'], ['y'], { axis: 1 })],
  });
}
