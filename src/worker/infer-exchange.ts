/**
 * One inference request on the worker's socket. Binary tensors go from the socket straight into a slot's input buffer
 * (`scatter.ts`, their one copy); a request with JSON tensors is received whole and decoded. While no slot is free the
 * line is not read, so that what waits is in the sender's buffers. A request that is refused is read to its end before
 * it is answered: a sender still writing would take an early answer for a broken connection.
 *
 * receiving JSON → waiting for a slot → filling it → running → answered; or, from any: refused, or gone.
 */
import { decodeInfer } from '../protocol/decode-infer.ts';
import type { DecodeLimits } from '../protocol/limits.ts';
import type { Tensor } from '../tensor.ts';
import {
  ALL_BINARY,
  errorAnswer,
  inferenceAnswer,
  type LineAnswer,
  outputTensors,
  type ReplyForm,
} from './answer.ts';
import type { LoadedModel } from './loaded-model.ts';
import { instanceOf, outputIndexes, placeDecoded, planBinary, type RequestPlan } from './request-plan.ts';
import { Scatter } from './scatter.ts';
import type { Slot } from './slot.ts';

/** The gateway's own limits are lower; these keep a length from being taken for a size of memory. */
const LIMITS: DecodeLimits = { maxInputs: 4096, maxRank: 32, maxElements: 2 ** 30, maxDepth: 100 };

const NO_BYTES = Buffer.alloc(0);

type Receiving =
  | { readonly kind: 'json'; readonly bytes: Buffer; filled: number }
  | { readonly kind: 'tensors'; readonly plan: RequestPlan; readonly scatter: Scatter }
  | { readonly kind: 'refused'; readonly error: unknown };

/** What a request came on and its answer goes to. */
export interface Line {
  /** Hands over nothing more of the body until `resume`. */
  pause(): void;
  resume(): void;
  /** Called once at most, and never after `closed`. */
  answer(answer: LineAnswer): void;
}

/** The line calls `receive` or `filled` with every byte of the body, then `received`, and `closed` when the client goes first. */
export class InferExchange {
  readonly #model: LoadedModel;
  readonly #line: Line;
  readonly #bodyBytes: number;
  readonly #headerBytes: number | undefined;
  #receiving: Receiving;
  #slot: Slot | undefined;
  #withdraw: (() => void) | undefined;
  #paused = false;
  #complete = false;
  #started = false;
  #gone = false;

  /** `headerBytes` is what `Inference-Header-Content-Length` says; undefined: all JSON. */
  constructor(model: LoadedModel, line: Line, bodyBytes: number, headerBytes: number | undefined) {
    this.#model = model;
    this.#line = line;
    this.#bodyBytes = bodyBytes;
    this.#headerBytes = headerBytes;
    this.#receiving = { kind: 'json', bytes: Buffer.allocUnsafe(headerBytes || bodyBytes), filled: 0 };
  }

  /** The next bytes of the body, which the line may use again afterwards. */
  receive(chunk: Buffer): void {
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

  /** Where the next bytes may be read to instead, and then said to be `filled`; undefined: nowhere yet. */
  room(): Uint8Array | undefined {
    return this.#receiving.kind === 'tensors' ? this.#receiving.scatter.room() : undefined;
  }

  filled(bytes: number): void {
    if (this.#receiving.kind === 'tensors') this.#receiving.scatter.filled(bytes);
  }

  #headerReceived(header: Buffer, rest: Buffer): void {
    try {
      const tensorBytes = this.#bodyBytes - header.length;
      const { signature, instances } = this.#model;
      const plan = planBinary(header.toString('utf8'), signature, tensorBytes, instances);
      if (plan === undefined) this.#receiveWhole(header, rest);
      else this.#takeSlot(rest, (slot, kept) => this.#fill(slot, plan, kept));
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
    this.#resume();
  }

  /** Receives no more until there is a slot, and keeps `rest`; refuses when it cannot be used. Throws `overloaded`. */
  #takeSlot(rest: Buffer, use: (slot: Slot, rest: Buffer) => void): void {
    let granted = false;
    let kept = rest;
    this.#withdraw = this.#model.acquire(slot => {
      granted = true;
      this.#slot = slot;
      try {
        use(slot, kept);
      } catch (error) {
        this.#refuse(error);
      }
    });
    if (granted) return;
    kept = Buffer.from(rest);
    this.#paused = true;
    this.#line.pause();
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#line.resume();
  }

  /** Answers with the error once the body has been read to its end. */
  #refuse(error: unknown): void {
    this.#releaseSlot();
    this.#receiving = { kind: 'refused', error };
    if (this.#complete) this.#line.answer(errorAnswer(error));
    else this.#resume();
  }

  /** The body is here to its end. */
  received(): void {
    this.#complete = true;
    const receiving = this.#receiving;
    if (receiving.kind === 'refused') this.#line.answer(errorAnswer(receiving.error));
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
      this.#takeSlot(NO_BYTES, slot => {
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
      this.#line.answer(inferenceAnswer(this.#model, outputs, form, view.inferMs, large === undefined));
    } catch (error) {
      if (!this.#gone) this.#line.answer(errorAnswer(error));
    } finally {
      this.#releaseSlot();
    }
  }

  /** The client is gone: what has not begun to run never does. */
  closed(): void {
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
