import type { EncodeOptions } from '../protocol/encode-infer.ts';
import { InferDecoder } from '../protocol/infer-decoder.ts';
import { InferEncoder } from '../protocol/infer-encoder.ts';
import type { DecodeTarget } from '../protocol/infer-request.ts';
import type { DecodeLimits } from '../protocol/limits.ts';
import type { DataPlaneOptions } from './options.ts';
import type { Target } from './service.ts';

export interface Codec {
  readonly decoder: InferDecoder;
  readonly encoder: InferEncoder;
  /** The same for a codec thread. */
  readonly decoding: { readonly target: DecodeTarget; readonly limits: DecodeLimits };
  readonly encoding: EncodeOptions;
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
    const decoding = { target: { name, signature, maxBatchSize }, limits: limits.decode };
    const encoding: EncodeOptions = { nonFinite, classLabels, batched: maxBatchSize > 0 };
    const codec: Codec = {
      decoder: new InferDecoder(decoding.target, decoding.limits),
      encoder: new InferEncoder(encoding),
      decoding,
      encoding,
    };
    this.#byTarget.set(target, codec);
    return codec;
  }
}
