/**
 * The I/O thread's end of a run thread. One operation at a time: a command (load, attach slots, release) or a run.
 * A thread is never torn down while the process lives: after `release` it is parked and loads the next model. (Ending
 * it was safe 400 times beside running ones under Node 26.10, aborted 2 times of 7 under Node 24, and gave back a
 * sixth of its memory.) If it ends by itself something is broken beyond repair, and the process goes.
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { GatewayError } from '../errors.ts';
import { endProcess } from './end-process.ts';
import {
  COMMAND,
  type Command,
  type CommandReply,
  type RunMessage,
  type RunThreadData,
  SIGNAL,
} from './run-messages.ts';
import type { Slot } from './slot.ts';
import { startThread } from './thread-sources.ts';

/** Beside this file, under the same extension also when built. */
const RUN_LOOP = `./run-loop${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`;

/**
 * 9.4 MB a thread with an idle small model, against 12.3 without limits (20 threads, Node 26.10). Tensors lie outside
 * the heap, all but BYTES elements, which are strings while they are passed to the engine.
 */
const HEAP = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 1024 };

export class RunThread {
  readonly #signal = new Int32Array(new SharedArrayBuffer(SIGNAL.words * 4));
  readonly #port: MessagePort;
  /** Input generation of each slot, by index, that this thread has been sent. */
  readonly #sentGenerations: number[] = [];
  #busy = false;

  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const data: RunThreadData = { signal: this.#signal.buffer as SharedArrayBuffer, port: port2 };
    const worker = startThread(new URL(RUN_LOOP, import.meta.url), {
      workerData: data,
      transferList: [port2],
      resourceLimits: HEAP,
    });
    worker.on('error', error => endProcess(`run thread failed: ${error}`));
    worker.on('exit', code => endProcess(`run thread ended with code ${code}`));
  }

  get busy(): boolean {
    return this.#busy;
  }

  /** Rejects with the GatewayError that the thread reports. */
  async command(command: Command): Promise<Exclude<CommandReply, { kind: 'failed' }>> {
    if (command.kind === 'slots') this.#sentGenerations.length = 0;
    this.#port.postMessage(command);
    await this.#operate(COMMAND);
    const reply = this.#receive() as CommandReply;
    if (reply.kind === 'failed') throw new GatewayError(reply.code, reply.message);
    return reply;
  }

  /**
   * Runs the batch that lies in the slot. Resolves to its large outputs, or undefined where they lie in the slot;
   * rejects with the GatewayError that the thread reports.
   */
  async run(slot: Slot): Promise<readonly Uint8Array[] | undefined> {
    if (this.#sentGenerations[slot.index] !== slot.generation) {
      this.#sentGenerations[slot.index] = slot.generation;
      this.#port.postMessage(slot.newInput());
    }
    await this.#operate(slot.index);
    if (slot.view.place === 'slot') return undefined;
    const message = this.#receive() as RunMessage;
    if (message.kind === 'failed') throw new GatewayError(message.code, message.message);
    return message.data;
  }

  async #operate(operation: number): Promise<void> {
    if (this.#busy) throw new Error('this is a bug: the run thread is busy');
    this.#busy = true;
    const before = Atomics.load(this.#signal, SIGNAL.done);
    Atomics.store(this.#signal, SIGNAL.operation, operation);
    Atomics.add(this.#signal, SIGNAL.request, 1);
    Atomics.notify(this.#signal, SIGNAL.request);
    // As in `nextAfter`: what counts is the number, not the wake-up.
    while (Atomics.load(this.#signal, SIGNAL.done) === before)
      await Atomics.waitAsync(this.#signal, SIGNAL.done, before).value;
    this.#busy = false;
  }

  #receive(): unknown {
    return receiveMessageOnPort(this.#port)?.message;
  }
}
