/** One inference on its way: undici's handler, which has the reply's bytes placed once and settles a promise. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import { GatewayError } from '../errors.ts';
import type { ExecutionResult } from '../inference.ts';
import { decodeReply } from '../protocol/worker-reply.ts';
import type { ReplyBuffers, ReplyLease } from './reply-buffers.ts';
import { readRestInto } from './reply-socket.ts';
import type { SendBuffers } from './send-buffers.ts';
import { failedReply, workerGone, workerGoneBefore } from './worker-failure.ts';

/** More than any model should answer with. A length above it, or none, fails the one run that it answers. */
const MAX_REPLY_BYTES = 2 ** 30;
/** A shorter reply gets memory of its own: less than a read, it is not worth counting who looks at it. */
const MIN_LEASED_BYTES = 32 * 1024;

const EMPTY = Buffer.alloc(0);

export class InferCall implements Dispatcher.DispatchHandler {
  readonly result: Promise<ExecutionResult>;
  readonly #settle: {
    resolve: (result: ExecutionResult) => void;
    reject: (error: GatewayError) => void;
  };
  readonly #buffers: SendBuffers;
  readonly #sent: Buffer | undefined;
  readonly #replies: ReplyBuffers;
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  #length = 0;
  #body: Buffer = EMPTY;
  #lease: ReplyLease | undefined;
  #filled = 0;
  #begun = false;

  /**
   * `sent` holds the request's bytes and goes back to `buffers` once the worker has read them all. A large reply is
   * placed in memory of `replies`, which the result's holder lets go; that of a call that fails is not used again.
   */
  constructor(buffers: SendBuffers, sent: Buffer | undefined, replies: ReplyBuffers) {
    this.#buffers = buffers;
    this.#sent = sent;
    this.#replies = replies;
    const { promise, resolve, reject } = Promise.withResolvers<ExecutionResult>();
    this.result = promise;
    this.#settle = { resolve, reject };
  }

  onRequestStart(): void {
    this.#begun = true;
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    this.#status = status;
    this.#headers = headers;
    // undici ends a reply that is longer or shorter than it said.
    this.#length = Number(headers['content-length'] ?? Number.NaN);
    if (this.#length <= MAX_REPLY_BYTES) return;
    controller.abort(new GatewayError('model-failed', oddLength(this.#length)));
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    if (this.#filled === 0) this.#body = this.#place();
    const body = this.#body;
    const isInPlace = chunk.buffer === body.buffer && chunk.byteOffset === body.byteOffset + this.#filled;
    if (!isInPlace) body.set(chunk, this.#filled);
    this.#filled += chunk.byteLength;
    if (!isInPlace) readRestInto(body.subarray(this.#filled));
  }

  /** The reply's memory, `#length` bytes. */
  #place(): Buffer {
    if (this.#status !== 200 || this.#length < MIN_LEASED_BYTES) return Buffer.allocUnsafe(this.#length);
    this.#lease = this.#replies.take(this.#length);
    return this.#lease.bytes;
  }

  onResponseEnd(): void {
    // Only a 200 proves that all of the request was read; after anything else it may still be in writing.
    if (this.#status === 200 && this.#sent !== undefined) this.#buffers.give(this.#sent);
    try {
      this.#settle.resolve(this.#read());
    } catch (error) {
      this.#settle.reject(GatewayError.from(error));
    }
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    const gone = this.#begun ? workerGone : workerGoneBefore;
    this.#settle.reject(error instanceof GatewayError && this.#begun ? error : gone(error));
  }

  #read(): ExecutionResult {
    if (this.#status !== 200) throw failedReply(this.#status, this.#body);
    const headerLength = this.#headers['inference-header-content-length'];
    const outputs = decodeReply(this.#body, headerLength === undefined ? undefined : Number(headerLength));
    return { outputs, inferMs: engineMs(this.#headers['server-timing']), lease: this.#lease };
  }
}

function oddLength(length: number): string {
  const found = Number.isNaN(length) ? 'none' : length;
  return `the model's worker answered with a length of ${found}: expected at most ${MAX_REPLY_BYTES} bytes`;
}

const ENGINE_TIME = /(?:^|,\s*)infer;dur=([\d.]+)/;

/** The engine's share of `server-timing: infer;dur=<ms>`; 0 when the worker does not say, or no number. */
export function engineMs(header: string | string[] | undefined): number {
  const ms = typeof header === 'string' ? Number(ENGINE_TIME.exec(header)?.[1] ?? 0) : 0;
  return Number.isFinite(ms) ? ms : 0;
}
