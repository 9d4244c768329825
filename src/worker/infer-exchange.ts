/**
 * One inference request on the worker's socket. Binary tensors go from the socket's chunks straight into a slot's
 * input buffer (`scatter.ts`, their one copy); a request with JSON tensors is received whole and decoded. While no
 * slot is free the socket is not read, so that what waits is in the sender's buffers. A request that is refused is
 * read to its end before it is answered: a sender still writing would take an early answer for a broken connection.
 *
 * receiving JSON → waiting for a slot → filling it → running → answered; or, from any: refused, or gone.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { GatewayError } from '../errors.ts';
import { decodeInfer } from '../protocol/decode-infer.ts';
import type { DecodeLimits } from '../protocol/limits.ts';
import type { Tensor } from '../tensor.ts';
import { ALL_BINARY, answerError, answerInference, outputTensors, type ReplyForm } from './answer.ts';
import type { LoadedModel } from './loaded-model.ts';
import { instanceOf, outputIndexes, placeDecoded, planBinary, type RequestPlan } from './request-plan.ts';
import { Scatter } from './scatter.ts';
import type { Slot } from './slot.ts';

/** The gateway's own limits are lower; these keep a length from being taken for a size of memory. */
export const MAX_BODY_BYTES = 2 ** 30 + 2 ** 20;
const LIMITS: DecodeLimits = { maxInputs: 4096, maxRank: 32, maxElements: 2 ** 30, maxDepth: 100 };

type Receiving =
  | { readonly kind: 'json'; readonly bytes: Buffer; filled: number }
  | { readonly kind: 'tensors'; readonly plan: RequestPlan; readonly scatter: Scatter }
  | { readonly kind: 'refused'; readonly error: unknown };

export class InferExchange {
  readonly #model: LoadedModel;
  readonly #req: IncomingMessage;
  readonly #res: ServerResponse;
  readonly #bodyBytes: number;
  readonly #headerBytes: number | undefined;
  #receiving: Receiving;
  #slot: Slot | undefined;
  #withdraw: (() => void) | undefined;
  #started = false;
  #gone = false;

  /** `headerBytes` is what `Inference-Header-Content-Length` says; undefined: all JSON. */
  constructor(
    model: LoadedModel,
    req: IncomingMessage,
    res: ServerResponse,
    bodyBytes: number,
    headerBytes: number | undefined,
  ) {
    this.#model = model;
    this.#req = req;
    this.#res = res;
    this.#bodyBytes = bodyBytes;
    this.#headerBytes = headerBytes;
    this.#receiving = { kind: 'json', bytes: Buffer.allocUnsafe(headerBytes || bodyBytes), filled: 0 };
    req.on('data', chunk => this.#receive(chunk));
    req.on('end', () => this.#received());
    res.on('close', () => this.#closed());
  }

  #receive(chunk: Buffer): void {
    const receiving = this.#receiving;
    if (receiving.kind === 'tensors') receiving.scatter.write(chunk);
    if (receiving.kind !== 'json') return;
    const { bytes, filled } = receiving;
    const taken = chunk.copy(bytes, filled);
    receiving.filled += taken;
    if (receiving.filled === bytes.length && bytes.length < this.#bodyBytes) {
      this.#headerReceived(bytes, chunk.subarray(taken));
    }
  }

  #headerReceived(header: Buffer, rest: Buffer): void {
    try {
      const tensorBytes = this.#bodyBytes - header.length;
      const { signature, instances } = this.#model;
      const plan = planBinary(header.toString('utf8'), signature, tensorBytes, instances);
      if (plan === undefined) this.#receiveWhole(header, rest);
      else this.#takeSlot(slot => this.#fill(slot, plan, rest));
    } catch (error) {
      this.#refuse(error);
    }
  }

  /** Some tensor is in the JSON: `decodeInfer` wants it all in one piece. */
  #receiveWhole(header: Buffer, rest: Buffer): void {
    const bytes = Buffer.allocUnsafe(this.#bodyBytes);
    const filled = header.copy(bytes) + rest.copy(bytes, header.length);
    this.#receiving = { kind: 'json', bytes, filled };
  }

  #fill(slot: Slot, plan: RequestPlan, rest: Buffer): void {
    const scatter = new Scatter(slot.input(plan.inputBytes), plan.bodyOrder);
    scatter.write(rest);
    this.#receiving = { kind: 'tensors', plan, scatter };
    if (this.#req.isPaused()) this.#req.resume();
  }

  /** Reads no more of the body until there is a slot; refuses when it cannot be used. Throws `overloaded`. */
  #takeSlot(use: (slot: Slot) => void): void {
    let granted = false;
    this.#withdraw = this.#model.acquire(slot => {
      granted = true;
      this.#slot = slot;
      try {
        use(slot);
      } catch (error) {
        this.#refuse(error);
      }
    });
    if (!granted) this.#req.pause();
  }

  /** Answers with the error once the body has been read to its end. */
  #refuse(error: unknown): void {
    this.#releaseSlot();
    this.#receiving = { kind: 'refused', error };
    if (this.#req.readableEnded) answerError(this.#res, error);
    else if (this.#req.isPaused()) this.#req.resume();
  }

  #received(): void {
    const receiving = this.#receiving;
    if (receiving.kind === 'refused') answerError(this.#res, receiving.error);
    else if (receiving.kind === 'tensors') void this.#run(receiving.plan, ALL_BINARY);
    else this.#decodeWhole(receiving.bytes);
  }

  #decodeWhole(body: Buffer): void {
    try {
      const { name, signature, instances } = this.#model;
      const request = decodeInfer(body, this.#headerBytes, { name, signature, maxBatchSize: 0 }, LIMITS);
      const { inputs, inputBytes } = placeDecoded(request.inputs);
      const outputs = outputIndexes(request.outputs?.map(output => output.name) ?? [], signature);
      const instance = instanceOf(request.parameters.custom.get('headgate_instance'), instances);
      const plan = { inputs, inputBytes, bodyOrder: inputs, outputs, instance };
      this.#takeSlot(slot => {
        const input = slot.input(inputBytes);
        inputs.forEach(({ offset }, i) => {
          input.set((request.inputs[i] as Tensor).data, offset);
        });
        void this.#run(plan, request);
      });
    } catch (error) {
      this.#refuse(error);
    }
  }

  async #run(plan: RequestPlan, form: ReplyForm): Promise<void> {
    const slot = this.#slot as Slot;
    const { view } = slot;
    this.#started = true;
    try {
      for (let i = 0; i < plan.inputs.length; i++)
        view.writeInput(i, plan.inputs[i] as RequestPlan['inputs'][number]);
      view.asked = plan.outputs;
      const large = await this.#model.run(slot, plan.instance);
      if (this.#gone) return;
      const outputs = outputTensors(this.#model, slot, plan.outputs, large);
      answerInference(this.#res, this.#model, outputs, form, view.inferMs, large === undefined);
    } catch (error) {
      answerError(this.#res, error);
    } finally {
      this.#releaseSlot();
    }
  }

  /** The answer is written, or the client is gone: then what has not begun to run never does. */
  #closed(): void {
    if (this.#res.writableFinished) return;
    this.#gone = true;
    this.#withdraw?.();
    const slot = this.#slot;
    const running = slot !== undefined && this.#started && !this.#model.cancel(slot);
    if (!running) this.#releaseSlot();
  }

  #releaseSlot(): void {
    const slot = this.#slot;
    this.#slot = undefined;
    if (slot !== undefined) this.#model.release(slot);
  }
}

/** The length of a request's body, which the sender must give; throws `invalid` or `too-large`. */
export function bodyLength(req: IncomingMessage): number {
  const length = Number(req.headers['content-length'] ?? Number.NaN);
  if (!Number.isInteger(length)) throw new GatewayError('invalid', 'content-length: required');
  if (length <= MAX_BODY_BYTES) return length;
  throw new GatewayError('too-large', `body: expected at most ${MAX_BODY_BYTES} bytes`);
}

/** What `Inference-Header-Content-Length` says; undefined: not sent. Throws `invalid`. */
export function headerLength(req: IncomingMessage, bodyBytes: number): number | undefined {
  const value = req.headers['inference-header-content-length'];
  if (value === undefined) return undefined;
  const length = Number(value);
  if (typeof value === 'string' && /^\d+$/.test(value) && length <= bodyBytes) return length;
  throw new GatewayError('invalid', 'inference-header-content-length: expected a length within the body');
}
