/**
 * Whether a server elsewhere may be asked: proved before it is used, looked at while it is, proved again after it was
 * lost. One look at a time; the next is due a while after the last has ended.
 */
import { GatewayError } from '../errors.ts';
import type { Execution, ExecutionResult, ModelSignature } from '../inference.ts';
import type { RemoteClient } from './remote-client.ts';
import { mayBeRefusedForm } from './remote-failure.ts';
import { signatureMismatch } from './signature-mismatch.ts';

export interface RemoteWatchOptions {
  readonly client: RemoteClient;
  /** A sample that takes longer is given up, ms. */
  readonly longestRunMs: number;
  /** In [0, 1), for jitter. */
  readonly random: () => number;
  /** Between two looks at one that answers; the jitter is a fifth of it either way. */
  readonly lookEveryMs: number;
  /** It may be asked from now on. */
  readonly rose: () => void;
  /** It may not, and why; told again while that changes nothing. */
  readonly fell: (why: string, wasUp: boolean) => void;
  /** A look at one that was lost has failed: waiting for it is in vain. */
  readonly notFound: () => void;
}

const LOOK_LIMIT_MS = 2000;
const MISSES_TO_SHUT = 3;

export class RemoteWatch {
  readonly #options: RemoteWatchOptions;
  readonly #closing = new AbortController();
  #signature: ModelSignature | undefined;
  #sample: Execution | undefined;
  #isUp = false;
  #why = 'not asked yet';
  #shutSinceMs = performance.now();
  #misses = 0;
  #looking = false;
  #isStopped = false;
  #isMissing = false;
  #nextLookAtMs = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RemoteWatchOptions) {
    this.#options = options;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** Why it is not up; ''. */
  get why(): string {
    return this.#isUp ? '' : this.#why;
  }

  /** It is not up, and was looked for since. */
  get isMissing(): boolean {
    return this.#isMissing;
  }

  /** Until the next look, ms; undefined while it is being looked at. */
  get nextLookMs(): number | undefined {
    return this.#looking ? undefined : Math.max(0, this.#nextLookAtMs - performance.now());
  }

  get shutSinceMs(): number | undefined {
    return this.#isUp ? undefined : this.#shutSinceMs;
  }

  /** Begins to watch it. Resolves after the first look. */
  async begin(signature: ModelSignature, sample: Execution | undefined): Promise<void> {
    this.#signature = signature;
    this.#sample = sample;
    await this.#look();
  }

  /** A connection broke under a run. */
  lost(error: GatewayError): void {
    this.#shut(this.#options.client.why(error));
    clearTimeout(this.#timer);
    void this.#look();
  }

  /** Takes it out of use and looks no more. */
  stop(): void {
    this.#isStopped = true;
    this.#isUp = false;
    clearTimeout(this.#timer);
  }

  /** What is under way for it ends now. */
  end(): void {
    this.#closing.abort();
  }

  /** Aborts after so long, and when all ends. */
  limit(ms: number): AbortSignal {
    return AbortSignal.any([AbortSignal.timeout(ms), this.#closing.signal]);
  }

  /**
   * Its signature, where nobody else says what it must be. Notices whether it speaks binary tensors, but while it is in
   * use: what it announces may have been found not to hold.
   */
  async introduce(): Promise<ModelSignature> {
    const { client } = this.#options;
    const signal = this.limit(LOOK_LIMIT_MS);
    await client.ready(signal);
    if (!this.#isUp) client.binary = await client.saysBinary(signal);
    const signature = await client.metadata(signal);
    if (signature.inputs.length > 0 && signature.outputs.length > 0) return signature;
    throw new GatewayError('invalid', 'its metadata names no inputs, or no outputs');
  }

  /** Nobody's request: for getting to know the version. */
  async try(execution: Execution): Promise<ExecutionResult> {
    const { client, longestRunMs } = this.#options;
    const signal = this.limit(longestRunMs);
    try {
      return await client.infer(execution, signal);
    } catch (error) {
      if (!client.binary || !mayBeRefusedForm(error)) throw error;
      // It may have announced what it does not do. When it refuses JSON too it was the input.
      const result = await client.infer(execution, signal, false).catch(() => undefined);
      if (result === undefined) throw error;
      client.binary = false;
      return result;
    }
  }

  /** Ready, with the same signature, and it runs the sample; rejects with what is missing. */
  async prove(): Promise<void> {
    const signature = await this.introduce();
    const mismatch = this.#signature && signatureMismatch(this.#signature, signature);
    if (mismatch !== undefined) throw new GatewayError('invalid', mismatch);
    if (this.#sample !== undefined) await this.try(this.#sample);
  }

  async #look(): Promise<void> {
    if (this.#looking || this.#isStopped) return;
    this.#looking = true;
    try {
      if (this.#isUp) await this.#options.client.ready(this.limit(LOOK_LIMIT_MS));
      // It may have been lost meanwhile.
      if (!this.#isUp) await this.prove();
      this.#misses = 0;
      this.#rise();
    } catch (error) {
      if (++this.#misses >= MISSES_TO_SHUT || !this.#isUp) this.#shut(this.#options.client.why(error));
    }
    this.#looking = false;
    if (this.#isStopped) return;
    const { lookEveryMs, random } = this.#options;
    const afterMs = lookEveryMs * (0.8 + 0.4 * random());
    this.#nextLookAtMs = performance.now() + afterMs;
    this.#timer = setTimeout(() => void this.#look(), afterMs).unref();
    if (this.#isUp) return;
    this.#isMissing = true;
    this.#options.notFound();
  }

  #rise(): void {
    if (this.#isUp || this.#isStopped) return;
    this.#isUp = true;
    this.#isMissing = false;
    this.#options.rose();
  }

  #shut(why: string): void {
    if (this.#isStopped) return;
    const wasUp = this.#isUp;
    this.#why = why;
    if (wasUp) this.#shutSinceMs = performance.now();
    this.#isUp = false;
    this.#options.fell(why, wasUp);
  }
}
