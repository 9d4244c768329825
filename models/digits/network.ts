/** A classifier of Gemm, Relu and a final softmax, trained by Adam on cross-entropy, one sample at a time per batch. */
import type { Layer } from '../../test/support/onnx.ts';
import { gaussian } from '../../test/support/random.ts';

const ADAM = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

interface Parameter {
  readonly values: Float32Array;
  readonly gradient: Float32Array;
  readonly mean: Float32Array;
  readonly variance: Float32Array;
}

interface Dense {
  readonly from: number;
  readonly to: number;
  readonly weights: Parameter;
  readonly bias: Parameter;
  /** What came out for the sample at hand, after Relu; and the loss's slope there. */
  readonly out: Float32Array;
  readonly slope: Float32Array;
}

export class Network {
  readonly #layers: readonly Dense[];
  readonly #weightDecay: number;
  #steps = 0;

  constructor(dims: readonly number[], options: { readonly seed: number; readonly weightDecay: number }) {
    const random = gaussian(options.seed);
    this.#weightDecay = options.weightDecay;
    this.#layers = dims.slice(1).map((to, i) => {
      const from = dims[i] as number;
      const weights = Float32Array.from({ length: from * to }, () => random() * Math.sqrt(2 / from));
      return {
        from,
        to,
        weights: parameter(weights),
        bias: parameter(new Float32Array(to)),
        out: new Float32Array(to),
        slope: new Float32Array(to),
      };
    });
  }

  get layers(): readonly Layer[] {
    return this.#layers.map(({ from, to, weights, bias }) => ({
      from,
      to,
      weights: weights.values,
      bias: bias.values,
    }));
  }

  /** Adds one sample's gradient to the batch's; returns its loss. */
  learn(image: Float32Array, label: number): number {
    let input = image;
    for (const [i, layer] of this.#layers.entries()) {
      forward(layer, input, i < this.#layers.length - 1);
      input = layer.out;
    }
    const loss = softmaxSlope(this.#layers.at(-1) as Dense, label);
    for (let i = this.#layers.length - 1; i >= 0; i--) {
      const below = this.#layers[i - 1];
      backward(this.#layers[i] as Dense, below?.out ?? image, below?.slope);
    }
    return loss;
  }

  /** Moves every weight along its mean gradient over `samples`, and forgets the gradients. */
  step(rate: number, samples: number): void {
    this.#steps++;
    const scale = {
      samples,
      rate: (rate * Math.sqrt(1 - ADAM.beta2 ** this.#steps)) / (1 - ADAM.beta1 ** this.#steps),
    };
    for (const { weights, bias } of this.#layers) {
      adam(weights, scale, rate * this.#weightDecay);
      adam(bias, scale, 0);
    }
  }
}

function parameter(values: Float32Array): Parameter {
  const zeros = () => new Float32Array(values.length);
  return { values, gradient: zeros(), mean: zeros(), variance: zeros() };
}

function forward({ from, to, weights, bias, out }: Dense, input: Float32Array, relu: boolean): void {
  out.set(bias.values);
  for (let i = 0; i < from; i++) {
    const x = input[i] as number;
    if (x === 0) continue; // four pixels in five are paper
    for (let j = 0; j < to; j++) out[j] = (out[j] as number) + x * (weights.values[i * to + j] as number);
  }
  if (relu) for (let j = 0; j < to; j++) if ((out[j] as number) < 0) out[j] = 0;
}

function softmaxSlope({ to, out, slope }: Dense, label: number): number {
  const highest = Math.max(...out);
  let sum = 0;
  for (let j = 0; j < to; j++) sum += Math.exp((out[j] as number) - highest);
  for (let j = 0; j < to; j++) {
    slope[j] = Math.exp((out[j] as number) - highest) / sum - (j === label ? 1 : 0);
  }
  return Math.log(sum) + highest - (out[label] as number);
}

function backward(
  { from, to, weights, bias, slope }: Dense,
  input: Float32Array,
  below: Float32Array | undefined,
): void {
  for (let j = 0; j < to; j++) bias.gradient[j] = (bias.gradient[j] as number) + (slope[j] as number);
  for (let i = 0; i < from; i++) {
    const x = input[i] as number;
    if (below !== undefined) below[i] = 0;
    if (x === 0) continue; // no weight of this input had a say, and Relu passes no slope through 0
    let sum = 0;
    for (let j = 0; j < to; j++) {
      const at = i * to + j;
      weights.gradient[at] = (weights.gradient[at] as number) + x * (slope[j] as number);
      sum += (weights.values[at] as number) * (slope[j] as number);
    }
    if (below !== undefined) below[i] = sum;
  }
}

function adam(
  { values, gradient, mean, variance }: Parameter,
  { rate, samples }: { rate: number; samples: number },
  decay: number,
): void {
  for (let i = 0; i < values.length; i++) {
    const slope = (gradient[i] as number) / samples;
    const m = ADAM.beta1 * (mean[i] as number) + (1 - ADAM.beta1) * slope;
    const v = ADAM.beta2 * (variance[i] as number) + (1 - ADAM.beta2) * slope * slope;
    const value = values[i] as number;
    values[i] = value - (rate * m) / (Math.sqrt(v) + ADAM.epsilon) - decay * value;
    mean[i] = m;
    variance[i] = v;
    gradient[i] = 0;
  }
}
