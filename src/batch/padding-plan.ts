/** Which inputs of a version may be padded and which outputs are cut: what its configuration says, checked against the model. */
import { GatewayError } from '../errors.ts';
import type { ModelSignature } from '../inference.ts';
import type { TensorSpec } from '../tensor.ts';
import { fillerOf } from './filler.ts';

/** As configured, by tensor name. Axes count the batch axis as 0. */
export interface PaddingRules {
  readonly inputs: Readonly<
    Record<
      string,
      {
        readonly axis: number;
        readonly value: number;
        readonly multipleOf: number;
        readonly maxTimes?: number | undefined;
      }
    >
  >;
  /** Without an axis: not cut, its size has nothing to do with the inputs' lengths. */
  readonly outputs: Readonly<
    Record<string, { readonly axis?: number | undefined; readonly follows?: string | undefined }>
  >;
}

export interface PaddedInput {
  readonly name: string;
  readonly axis: number;
  /** Lengths are padded to a multiple of it, those of a request that runs alone too. */
  readonly multipleOf: number;
  /** Of a row's own length, to within its bucket; infinite: it may become as long as any. */
  readonly maxTimes: number;
  /** One element's bytes. */
  readonly filler: Uint8Array;
}

export interface CutOutput {
  readonly axis: number;
  /** Index in `inputs` of the one whose length it follows. */
  readonly follows: number;
}

/** A request's lengths are those of `inputs` along their axes, in this order, which is the signature's. */
export interface PaddingPlan {
  /** At least one. */
  readonly inputs: readonly PaddedInput[];
  readonly outputs: ReadonlyMap<string, CutOutput>;
}

/** Undefined where no input may be padded. Throws `invalid`, naming the setting and what was expected. */
export function paddingPlanOf(
  rules: PaddingRules,
  signature: ModelSignature,
  maxBatchSize: number,
): PaddingPlan | undefined {
  const inputs = paddedInputs(rules, signature.inputs);
  if (inputs.length === 0) {
    const [output] = Object.keys(rules.outputs);
    if (output !== undefined) fail(`outputs.${output}`, 'expected an input under padding.inputs as well');
    return undefined;
  }
  if (maxBatchSize === 0)
    fail('inputs', 'expected a model with a batch axis; this one is run a request at a time');
  return { inputs, outputs: cutOutputs(rules, signature.outputs, inputs) };
}

function paddedInputs({ inputs }: PaddingRules, specs: readonly TensorSpec[]): PaddedInput[] {
  for (const name of Object.keys(inputs)) specNamed(name, specs, 'inputs');
  return specs.flatMap(({ name, datatype, shape }) => {
    const rule = Object.hasOwn(inputs, name) ? inputs[name] : undefined;
    if (rule === undefined) return [];
    const { axis, value, multipleOf, maxTimes = Number.POSITIVE_INFINITY } = rule;
    const key = `inputs.${name}`;
    if (datatype === 'BYTES') fail(key, 'expected an input of numbers or booleans; this one is BYTES');
    checkAxis(key, axis, shape);
    const filler = fillerOf(datatype, value);
    if (filler === undefined) fail(`${key}.value`, `expected a value of ${datatype}, found ${value}`);
    return [{ name, axis, multipleOf, maxTimes, filler }];
  });
}

function cutOutputs(
  { outputs }: PaddingRules,
  specs: readonly TensorSpec[],
  inputs: readonly PaddedInput[],
): Map<string, CutOutput> {
  for (const name of Object.keys(outputs)) specNamed(name, specs, 'outputs');
  const cut = new Map<string, CutOutput>();
  for (const { name, datatype, shape } of specs) {
    const key = `outputs.${name}`;
    const rule = Object.hasOwn(outputs, name) ? outputs[name] : undefined;
    if (rule === undefined) {
      // Uncut, it would tell a caller how long the others' rows were.
      const free = shape.findIndex((size, axis) => axis > 0 && size < 0);
      if (free > 0)
        fail(
          key,
          `expected { axis: <the one that follows an input's length> }, or {}: its axis ${free} is free`,
        );
      continue;
    }
    if (rule.axis === undefined) continue;
    if (datatype === 'BYTES') fail(key, 'expected an output of numbers or booleans; this one is BYTES');
    checkAxis(key, rule.axis, shape);
    cut.set(name, { axis: rule.axis, follows: followed(key, rule.follows, inputs) });
  }
  return cut;
}

function followed(key: string, name: string | undefined, inputs: readonly PaddedInput[]): number {
  if (name === undefined) return 0;
  const index = inputs.findIndex(input => input.name === name);
  if (index === -1) {
    fail(`${key}.follows`, `expected one of ${inputs.map(input => input.name).join(', ')}, found ${name}`);
  }
  return index;
}

function checkAxis(key: string, axis: number, shape: readonly number[]): void {
  const free = shape.flatMap((size, index) => (index > 0 && size < 0 ? [index] : []));
  if (free.includes(axis)) return;
  const expected = free.length === 0 ? 'has none after the batch axis' : `are ${free.join(', ')}`;
  fail(
    `${key}.axis`,
    `expected an axis of free size, found ${axis}; those of its shape [${shape}] ${expected}`,
  );
}

function specNamed(name: string, specs: readonly TensorSpec[], kind: 'inputs' | 'outputs'): void {
  if (specs.some(spec => spec.name === name)) return;
  fail(`${kind}.${name}`, `unknown; the model has ${specs.map(spec => spec.name).join(', ')}`);
}

function fail(key: string, message: string): never {
  throw new GatewayError('invalid', `padding.${key}: ${message}`);
}
