/**
 * A slot: the shared memory through which one run's tensors pass between the I/O thread and a run thread, so that a
 * run needs no message. A fixed control block of int32 words and a reply area live as long as the slot; the input
 * buffer is replaced when it must grow. At any time exactly one thread owns a slot; `run-thread.ts` hands it over.
 */
import type { Shape } from '../tensor.ts';
import type { NewInput } from './run-messages.ts';

export const MAX_RANK = 32;
/** Outputs that fit here are copied back through the slot; larger ones are transferred by message, uncopied. */
export const REPLY_BYTES = 64 * 1024;
/** Every tensor starts at a multiple of this: a cache line, and enough for any element. */
const ALIGN = 64;
const SHRINK_ABOVE_BYTES = 8 * 2 ** 20;
const SHRINK_AFTER_USES = 64;

const HEADER_WORDS = 8;
const TENSOR_WORDS = 4 + MAX_RANK;

/** Words of the control block's header. Words 2 and 3 are one float64. */
const INPUT_GENERATION = 0;
const STATUS = 1;
const INFER_MS_F64 = 1;
const OUTPUT_COUNT = 4;

/** Where a reply lies: in the slot, or in a message that follows (large outputs, errors). */
export type ReplyPlace = 'slot' | 'message';

/** The parts of a slot that never move; sent once to each run thread. */
export interface SlotBuffers {
  readonly control: SharedArrayBuffer;
  readonly reply: SharedArrayBuffer;
}

/** A tensor's place in an input buffer or reply area. */
export interface Placed {
  readonly offset: number;
  readonly byteLength: number;
  readonly shape: Shape;
}

export function createSlotBuffers(inputs: number, outputs: number): SlotBuffers {
  const words = HEADER_WORDS + (inputs + outputs) * TENSOR_WORDS + outputs;
  return { control: new SharedArrayBuffer(words * 4), reply: new SharedArrayBuffer(REPLY_BYTES) };
}

export function align(offset: number): number {
  return Math.ceil(offset / ALIGN) * ALIGN;
}

/** What a grown or shrunk input buffer should hold: `needed` with room for slightly larger batches. */
export function inputCapacity(needed: number): number {
  return align(needed < 2 ** 20 ? Math.max(4096, needed * 2) : needed + needed / 8);
}

/** A slot as the I/O thread owns it. */
export class Slot {
  readonly index: number;
  readonly buffers: SlotBuffers;
  readonly view: SlotView;
  #input = new SharedArrayBuffer(0);
  #bytes = new Uint8Array(this.#input);
  #generation = 0;
  #usesTooSmall = 0;

  constructor(index: number, inputs: number, outputs: number) {
    this.index = index;
    this.buffers = createSlotBuffers(inputs, outputs);
    this.view = new SlotView(this.buffers, inputs, outputs);
  }

  get generation(): number {
    return this.#generation;
  }

  /** The input buffer with room for at least `byteLength`; replaced when too small, or far too large for long. */
  input(byteLength: number): Uint8Array {
    const capacity = this.#bytes.length;
    const wasteful = capacity > SHRINK_ABOVE_BYTES && byteLength < capacity / 4;
    this.#usesTooSmall = wasteful ? this.#usesTooSmall + 1 : 0;
    if (byteLength > capacity || this.#usesTooSmall > SHRINK_AFTER_USES) {
      this.#input = new SharedArrayBuffer(inputCapacity(byteLength));
      this.#bytes = new Uint8Array(this.#input);
      this.#usesTooSmall = 0;
      this.#generation++;
      this.view.inputGeneration = this.#generation;
    }
    return this.#bytes;
  }

  /** The message that gives a run thread this slot's present input buffer. */
  newInput(): NewInput {
    return { slot: this.index, generation: this.#generation, input: this.#input };
  }
}

/** One thread's view of a slot's control block and reply area. */
export class SlotView {
  readonly reply: Uint8Array;
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;
  readonly #inputs: number;
  readonly #outputs: number;
  readonly #asked: number;

  constructor(buffers: SlotBuffers, inputs: number, outputs: number) {
    this.reply = new Uint8Array(buffers.reply);
    this.#words = new Int32Array(buffers.control);
    this.#doubles = new Float64Array(buffers.control, 0, HEADER_WORDS / 2);
    this.#inputs = HEADER_WORDS;
    this.#outputs = HEADER_WORDS + inputs * TENSOR_WORDS;
    this.#asked = this.#outputs + outputs * TENSOR_WORDS;
  }

  get inputGeneration(): number {
    return this.#word(INPUT_GENERATION);
  }

  set inputGeneration(value: number) {
    this.#words[INPUT_GENERATION] = value;
  }

  /** Indexes of the outputs to compute, in the order asked for. */
  get asked(): readonly number[] {
    return Array.from(this.#words.subarray(this.#asked, this.#asked + this.#word(OUTPUT_COUNT)));
  }

  set asked(outputs: readonly number[]) {
    this.#words[OUTPUT_COUNT] = outputs.length;
    this.#words.set(outputs, this.#asked);
  }

  writeInput(i: number, placed: Placed): void {
    this.#writeTensor(this.#inputs + i * TENSOR_WORDS, placed);
  }

  readInput(i: number): Placed {
    return this.#readTensor(this.#inputs + i * TENSOR_WORDS);
  }

  writeOutput(i: number, placed: Placed): void {
    this.#writeTensor(this.#outputs + i * TENSOR_WORDS, placed);
  }

  readOutput(i: number): Placed {
    return this.#readTensor(this.#outputs + i * TENSOR_WORDS);
  }

  finish(place: ReplyPlace, inferMs: number): void {
    this.#words[STATUS] = place === 'slot' ? 1 : 2;
    this.#doubles[INFER_MS_F64] = inferMs;
  }

  get place(): ReplyPlace {
    return this.#word(STATUS) === 1 ? 'slot' : 'message';
  }

  /** Time inside `session.run`, ms. */
  get inferMs(): number {
    return this.#doubles[INFER_MS_F64] as number;
  }

  #word(i: number): number {
    return this.#words[i] as number;
  }

  #writeTensor(at: number, { offset, byteLength, shape }: Placed): void {
    const words = this.#words;
    words[at] = offset;
    words[at + 1] = byteLength;
    words[at + 2] = shape.length;
    for (let axis = 0; axis < shape.length; axis++) words[at + 4 + axis] = shape[axis] as number;
  }

  #readTensor(at: number): Placed {
    const rank = this.#word(at + 2);
    const shape: number[] = [];
    for (let axis = 0; axis < rank; axis++) shape.push(this.#word(at + 4 + axis));
    return { offset: this.#word(at), byteLength: this.#word(at + 1), shape };
  }
}
