/** A slot as its run thread uses it: inputs become ONNX Runtime's tensors in place, outputs go back. */
import type { Tensor as OrtTensor } from 'onnxruntime-node';
import type { ModelSignature } from '../inference.ts';
import type { TensorSpec } from '../tensor.ts';
import { align, REPLY_BYTES, type SlotBuffers, SlotView } from './slot.ts';
import { toOrtTensor, toWireBytes } from './tensor-values.ts';

export class AttachedSlot {
  readonly view: SlotView;
  readonly #signature: ModelSignature;
  #input = new SharedArrayBuffer(0);
  #generation = 0;

  constructor(buffers: SlotBuffers, signature: ModelSignature) {
    this.view = new SlotView(buffers, signature.inputs.length, signature.outputs.length);
    this.#signature = signature;
  }

  /** The I/O thread has put a new input buffer in place, and its message has not been taken yet. */
  get awaitsInput(): boolean {
    return this.view.inputGeneration !== this.#generation;
  }

  takeInput(input: SharedArrayBuffer, generation: number): void {
    this.#input = input;
    this.#generation = generation;
  }

  /** Throws `model-failed` for text that the engine cannot hold. */
  feeds(): Readonly<Record<string, OrtTensor>> {
    const feeds = Object.create(null) as Record<string, OrtTensor>;
    const { inputs } = this.#signature;
    for (let i = 0; i < inputs.length; i++) {
      const spec = inputs[i] as TensorSpec;
      feeds[spec.name] = toOrtTensor(spec, this.#input, this.view.readInput(i));
    }
    return feeds;
  }

  outputsAsked(): readonly string[] {
    const { outputs } = this.#signature;
    return this.view.asked.map(i => (outputs[i] as TensorSpec).name);
  }

  /** Leaves the outputs in the slot where they fit; otherwise returns them, to be transferred. */
  answer(results: readonly OrtTensor[], inferMs: number): readonly Uint8Array[] | undefined {
    const data = results.map(toWireBytes);
    let at = 0;
    for (let i = 0; i < data.length; i++) {
      const byteLength = (data[i] as Uint8Array).length;
      this.view.writeOutput(i, { offset: at, byteLength, shape: (results[i] as OrtTensor).dims });
      at = align(at + byteLength);
    }
    const fits = at <= REPLY_BYTES;
    if (fits)
      for (let i = 0; i < data.length; i++)
        this.view.reply.set(data[i] as Uint8Array, this.view.readOutput(i).offset);
    this.view.finish(fits ? 'slot' : 'message', inferMs);
    return fits ? undefined : data;
  }
}
