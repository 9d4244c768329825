/** A gateway that answers every inference with its own inputs, at once or when the test says so. */
import { GatewayError } from '../../src/errors.ts';
import type { DataPlaneService, IndexEntry, Target } from '../../src/http/service.ts';
import type {
  CacheNote,
  Inference,
  InferenceResult,
  Lease,
  ModelSignature,
  Submission,
} from '../../src/inference.ts';
import type { Tensor } from '../../src/tensor.ts';

export const SIGNATURE: ModelSignature = {
  inputs: [{ name: 'X', datatype: 'FP32', shape: [-1, -1] }],
  outputs: [{ name: 'Y', datatype: 'FP32', shape: [-1, -1] }],
};

/** An inference that waits for the test. */
export interface Held {
  readonly inference: Inference;
  /** Answers it with its own input. */
  answer(): void;
  fail(error: GatewayError): void;
  readonly cancelledWith: Promise<GatewayError>;
}

export class FakeService implements DataPlaneService {
  ready = true;
  draining = false;
  connectionsAreTaken = true;
  /** While true, inferences wait in `held`. */
  holds = false;
  /** When set, every inference fails with it. */
  failsWith: unknown;
  /** The version that answers; a target of another one refuses as a draining version does. */
  version = '1';
  /** When set, every answer is this. */
  output: Tensor | undefined;
  /** What every answer's memory is held with. */
  lease: Lease | undefined;
  caches = false;
  /** What every answer says of a cache. */
  cache: CacheNote | undefined;
  classLabels: ReadonlyMap<string, readonly string[]> = new Map();
  readonly submitted: Inference[] = [];
  readonly calls: string[] = [];
  readonly #held: Held[] = [];
  readonly #waiting: ((held: Held) => void)[] = [];

  takesConnections(): boolean {
    return this.connectionsAreTaken;
  }

  isReady(): boolean {
    return this.ready;
  }

  target(model: string, version: string | undefined): Target {
    if (model === 'loading')
      throw new GatewayError('unavailable', "'loading' is not ready", { retryAfterMs: 1500 });
    if (model !== 'identity')
      throw new GatewayError('not-found', `Request for unknown model: '${model}' is not found`);
    if (version !== undefined && version !== '1' && version !== 'candidate') {
      throw new GatewayError('not-found', `'identity' version ${version} is not found`);
    }
    const { version: answering } = this;
    return {
      model,
      version: answering,
      route: version === 'candidate' ? 'label' : version === '1' ? 'pinned' : 'stable',
      signature: SIGNATURE,
      maxBatchSize: 64,
      timeoutMs: 1000,
      maxTimeoutMs: 5000,
      priorityLevels: 3,
      classLabels: this.classLabels,
      caches: this.caches,
      rowTolerance: undefined,
      submit: inference => this.#submit(inference, answering),
    };
  }

  readyVersions(model: string): readonly string[] {
    return [this.target(model, undefined).version];
  }

  modelConfig(model: string, version: string | undefined): Record<string, unknown> {
    return { name: this.target(model, version).model, platform: 'onnxruntime_onnx', max_batch_size: 64 };
  }

  statistics(model?: string, version?: string): readonly Record<string, unknown>[] {
    const name = this.target(model ?? 'identity', version).model;
    return [{ name, version: '1', inference_count: this.submitted.length }];
  }

  index(readyOnly: boolean): readonly IndexEntry[] {
    const ready: IndexEntry = { name: 'identity', version: '1', state: 'READY', reason: '' };
    const loading: IndexEntry = { name: 'loading', version: '1', state: 'LOADING', reason: '' };
    return readyOnly ? [ready] : [ready, loading];
  }

  async load(model: string, config: string | undefined): Promise<void> {
    this.calls.push(`load ${model} ${config}`);
  }

  async unload(model: string): Promise<void> {
    this.calls.push(`unload ${model}`);
  }

  /** The next inference that is held, once it has come. */
  nextHeld(): Promise<Held> {
    const held = this.#held.shift();
    return held === undefined ? new Promise(resolve => this.#waiting.push(resolve)) : Promise.resolve(held);
  }

  #submit(inference: Inference, version: string): Submission {
    this.submitted.push(inference);
    if (version !== this.version) throw new GatewayError('unavailable', `version ${version} is draining`);
    if (this.failsWith !== undefined) return { result: Promise.reject(this.failsWith), cancel: () => {} };
    if (!this.holds) return { result: Promise.resolve(this.#identity(inference)), cancel: () => {} };
    return this.#hold(inference);
  }

  #hold(inference: Inference): Submission {
    const result = Promise.withResolvers<InferenceResult>();
    const cancelled = Promise.withResolvers<GatewayError>();
    const held: Held = {
      inference,
      answer: () => result.resolve(this.#identity(inference)),
      fail: error => result.reject(error),
      cancelledWith: cancelled.promise,
    };
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#held.push(held);
    else waiting(held);
    return {
      result: result.promise,
      cancel: error => {
        cancelled.resolve(error);
        result.reject(error);
      },
    };
  }

  #identity({ inputs, rows }: Inference): InferenceResult {
    return {
      outputs: this.output === undefined ? inputs.map(input => ({ ...input, name: 'Y' })) : [this.output],
      timing: { queueMs: 1.25, inferMs: 2.5, batchRows: rows + 6 },
      lease: this.lease,
      ...(this.cache && { cache: this.cache }),
    };
  }
}
