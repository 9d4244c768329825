import { InferDecoder } from '../protocol/infer-decoder.ts';
import type { DecodeLimits } from '../protocol/limits.ts';
import type { Target } from './service.ts';

/** A decoder for each target, for as long as the target is in use. */
export class Decoders {
  readonly #limits: DecodeLimits;
  readonly #byTarget = new WeakMap<Target, InferDecoder>();

  constructor(limits: DecodeLimits) {
    this.#limits = limits;
  }

  of(target: Target): InferDecoder {
    const known = this.#byTarget.get(target);
    if (known !== undefined) return known;
    const { model: name, signature, maxBatchSize } = target;
    const decoder = new InferDecoder({ name, signature, maxBatchSize }, this.#limits);
    this.#byTarget.set(target, decoder);
    return decoder;
  }
}
