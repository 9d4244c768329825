/** The lengths of a request along the axes that may be padded, and the queue they lead to. */
import type { Inference, ModelSignature } from '../inference.ts';
import { signatureKeyOf } from '../signature-key.ts';
import { elementCount, type Tensor } from '../tensor.ts';
import { bucketOf } from './length-buckets.ts';
import type { PaddingPlan } from './padding-plan.ts';

const BETWEEN = '#';

/** Along each padded axis, in the plan's order; 0 for an input left out. */
export function lengthsOf({ inputs }: Inference, plan: PaddingPlan): number[] {
  return plan.inputs.map(({ name, axis }) => {
    const tensor = inputs.find(input => input.name === name);
    return tensor === undefined ? 0 : (tensor.shape[axis] as number);
  });
}

/**
 * Makes the key function of one version whose requests may be padded: a family, of requests that could share a batch
 * but for their lengths, then the bucket of each length.
 */
export function lengthKeyOf(signature: ModelSignature, plan: PaddingPlan): (inference: Inference) => string {
  const familyOf = signatureKeyOf(signature, new Map(plan.inputs.map(({ name, axis }) => [name, axis])));
  return inference => {
    const lengths = lengthsOf(inference, plan);
    let key = familyOf(inference) + equalities(lengths) + BETWEEN;
    for (let i = 0; i < lengths.length; i++) key += `${bucketIn(plan, lengths, i)},`;
    return key;
  };
}

/** The part of a key before the buckets. */
export function familyIn(key: string): string {
  return key.slice(0, key.lastIndexOf(BETWEEN));
}

/** The lengths of a key's buckets; undefined when it is of another family. */
export function bucketsIn(key: string, family: string): number[] | undefined {
  if (key.lastIndexOf(BETWEEN) !== family.length || !key.startsWith(family)) return undefined;
  return key
    .slice(family.length + 1, -1)
    .split(',')
    .map(Number);
}

/** The key of the same family with other buckets. */
export function keyWith(family: string, buckets: readonly number[]): string {
  return `${family}${BETWEEN}${buckets.join(',')},`;
}

/** How many elements a row of some lengths has, over all inputs. */
export interface RowElements {
  readonly fixed: number;
  /** Along each padded axis, of one step. */
  readonly perStep: readonly number[];
}

/** The same for all requests of a family. */
export function rowElementsOf({ inputs }: Inference, plan: PaddingPlan): RowElements {
  const perStep = plan.inputs.map(({ name, axis }) => {
    const tensor = inputs.find(input => input.name === name);
    return tensor === undefined ? 0 : elementsOfRow(tensor, axis);
  });
  let fixed = 0;
  for (const tensor of inputs) {
    if (!plan.inputs.some(({ name }) => name === tensor.name)) fixed += elementsOfRow(tensor, 0);
  }
  return { fixed, perStep };
}

export function elementsAt({ fixed, perStep }: RowElements, lengths: readonly number[]): number {
  let elements = fixed;
  for (let i = 0; i < perStep.length; i++) elements += (perStep[i] as number) * (lengths[i] as number);
  return elements;
}

/** Elements of one row and, unless it is the batch axis, one step along `axis`. */
function elementsOfRow({ shape }: Tensor, axis: number): number {
  return elementCount(shape.with(axis, 1).with(0, 1));
}

function bucketIn({ inputs }: PaddingPlan, lengths: readonly number[], index: number): number {
  return bucketOf(lengths[index] as number, (inputs[index] as PaddingPlan['inputs'][number]).multipleOf);
}

/**
 * Which lengths are equal: for a mask as long as its ids the same in every sound request. One whose lengths do not
 * agree then shares a batch only with its like, and its failure is no one else's.
 */
function equalities(lengths: readonly number[]): string {
  if (lengths.length === 1) return '';
  let text = '=';
  for (const length of lengths) text += lengths.indexOf(length);
  return text;
}
