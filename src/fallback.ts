/** Who answers for a version that cannot: another version or model, asked at most once, by nobody's fault alone. */
import { blameFor } from './blame.ts';
import type { ModelConfig } from './config/model-options.ts';
import { GatewayError } from './errors.ts';
import type { AnsweredBy, Inference, InferenceResult, ModelSignature, Submission } from './inference.ts';
import { isOutage } from './pool/outage.ts';
import type { TensorSpec } from './tensor.ts';

/** What takes requests of this form. */
export interface Takes {
  readonly signature: ModelSignature;
  /** 0: no batch axis. */
  readonly maxBatchSize: number;
}

export interface Answerer extends AnsweredBy {
  readonly unit: Takes;
  submit(inference: Inference): Submission;
}

/** Where requests for a version of a model go when it cannot answer; undefined: nowhere. */
export function fallbackOf(
  { model, version }: AnsweredBy,
  { fallback }: Pick<ModelConfig, 'fallback'>,
): { readonly model: string; readonly version: string | undefined } | undefined {
  if (fallback.model === undefined && fallback.version === undefined) return undefined;
  const named = {
    model: fallback.model ?? model,
    version: fallback.version === undefined ? undefined : String(fallback.version),
  };
  return named.model === model && named.version === version ? undefined : named;
}

/** Why one cannot answer for the other, naming the tensor; undefined when it can. */
export function misfitOf(asked: Takes, other: Takes): string | undefined {
  if (asked.maxBatchSize > 0 !== other.maxBatchSize > 0) return 'only one of them has a batch axis';
  return (
    tensorMisfit('input', asked.signature.inputs, other.signature.inputs) ??
    tensorMisfit('output', asked.signature.outputs, other.signature.outputs)
  );
}

function tensorMisfit(
  what: string,
  asked: readonly TensorSpec[],
  other: readonly TensorSpec[],
): string | undefined {
  for (const { name, datatype, shape } of asked) {
    const found = other.find(tensor => tensor.name === name);
    if (found === undefined) return `it has no ${what} '${name}'`;
    if (found.datatype !== datatype) return `its ${what} '${name}' is ${found.datatype}, not ${datatype}`;
    const fits = found.shape.length === shape.length && found.shape.every((size, i) => agree(size, shape[i]));
    if (!fits) return `its ${what} '${name}' has shape [${found.shape}], not [${shape}]`;
  }
  const more = other.find(({ name }) => !asked.some(tensor => tensor.name === name));
  return more && `it has the ${what} '${more.name}' too`;
}

/** A free dimension takes any size. */
function agree(size: number, asked: number | undefined): boolean {
  return size < 0 || asked === undefined || asked < 0 || size === asked;
}

/** Never what the caller did, nor rows that may have taken a worker down: they must not meet another. */
export function isForAnother(error: GatewayError): boolean {
  if (isOutage(error)) return true;
  return blameFor(error.code) === 'worker' && (error.notRun || error.code === 'internal');
}

/** Levels of one model say nothing of another's with more or fewer: who comes from there stands behind its own callers. */
export function behindItsOwn(
  other: Answerer,
  { priorityLevels }: Pick<ModelConfig, 'priorityLevels'>,
  from: Pick<ModelConfig, 'priorityLevels'>,
): Answerer {
  if (priorityLevels === from.priorityLevels) return other;
  return { ...other, submit: inference => other.submit({ ...inference, priority: priorityLevels }) };
}

/** Submits to the one, and to the other when the one cannot answer. */
export function submitOr(one: Answerer, other: Answerer): (inference: Inference) => Submission {
  return inference => new SubmittedOr(one.submit(inference), inference, other);
}

class SubmittedOr implements Submission {
  readonly result: Promise<InferenceResult>;
  #current: Submission;
  #cancelled = false;

  constructor(first: Submission, inference: Inference, other: Answerer) {
    this.#current = first;
    this.result = first.result.catch((thrown: unknown) => this.#goOn(thrown, inference, other));
    // A caller who has left listens to nothing, and that must not end the process.
    this.result.catch(() => {});
  }

  cancel(error: GatewayError): void {
    this.#cancelled = true;
    this.#current.cancel(error);
  }

  async #goOn(thrown: unknown, inference: Inference, other: Answerer): Promise<InferenceResult> {
    const error = GatewayError.from(thrown);
    if (this.#cancelled || !isForAnother(error)) throw error;
    this.#current = other.submit(inference);
    try {
      const result = await this.#current.result;
      // A worker of the first may still be reading the inputs.
      return { ...result, instead: { model: other.model, version: other.version }, inputsInUse: true };
    } catch (second) {
      throw this.#cancelled ? second : error;
    }
  }
}
