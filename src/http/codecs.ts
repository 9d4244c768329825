import { InferDecoder } from '../protocol/infer-decoder.ts';
import { InferEncoder } from '../protocol/infer-encoder.ts';
import type { DataPlaneOptions } from './options.ts';
import type { Target } from './service.ts';

export interface Codec {
  readonly decoder: InferDecoder;
  readonly encoder: InferEncoder;
}

/** A decoder and an encoder for each target, for as long as the target is in use. */
export class Codecs {
  readonly #options: DataPlaneOptions;
  readonly #byTarget = new WeakMap<Target, Codec>();

  constructor(options: DataPlaneOptions) {
    this.#options = options;
  }

  of(target: Target): Codec {
    const known = this.#byTarget.get(target);
    if (known !== undefined) return known;
    const { model: name, signature, maxBatchSize, classLabels } = target;
    const { limits, nonFinite } = this.#options;
    const codec: Codec = {
      decoder: new InferDecoder({ name, signature, maxBatchSize }, limits.decode),
      encoder: new InferEncoder({ nonFinite, classLabels, batched: maxBatchSize > 0 }),
    };
    this.#byTarget.set(target, codec);
    return codec;
  }
}
