import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { GatewayError } from '../errors.ts';
import type { EncodedReply } from '../protocol/encode-infer.ts';
import type { InferRequest } from '../protocol/infer-request.ts';
import type { Tensor } from '../tensor.ts';
import type { CodecAnswer, CodecJob, DecodeJob, EncodeJob } from './codec-messages.ts';
import { releaseMemory } from './release-memory.ts';

const MOST_THREADS = 4;
/** Each holds a body or an answer, so the budget of bodies mostly speaks first. */
const MOST_WAITING = 1024;
const ENTRY = new URL(
  `./codec-thread${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`,
  import.meta.url,
);

interface Task {
  readonly job: CodecJob;
  readonly moved: readonly ArrayBuffer[];
  resolve(answer: CodecAnswer): void;
  reject(error: GatewayError): void;
}

/** A thread is `idle`, or `busy` with the one task that will be settled by its answer or its death. */
interface Thread {
  readonly worker: Worker;
  task: Task | undefined;
}

/** Settles once; `cancel` ends it early only while it waits: what a thread works on keeps its memory until it is done. */
export interface CodecTask<Result> {
  readonly result: Promise<Result>;
  cancel(error: GatewayError): void;
}

/**
 * Threads that decode large bodies and encode large answers beside the event loop. They start when there is work for
 * them, one core fewer than the machine has, and stay; tasks wait in order, a bounded number. A thread that dies
 * fails the one task that it had (`unavailable`), and the next task starts another in its place. After `close` every
 * task is refused.
 */
export class CodecThreads {
  readonly #most: number;
  readonly #entry: URL;
  readonly #threads = new Set<Thread>();
  readonly #waiting: Task[] = [];
  #isClosed = false;

  constructor(most = Math.min(MOST_THREADS, Math.max(1, availableParallelism() - 1)), entry = ENTRY) {
    this.#most = most;
    this.#entry = entry;
  }

  get size(): number {
    return this.#threads.size;
  }

  /** As `decodeInfer`. The body is the thread's from now on. */
  decode(job: Omit<DecodeJob, 'kind'>): CodecTask<InferRequest> {
    const body = movable(job.body);
    const { result, cancel } = this.#submit({ ...job, kind: 'decode', body }, [body.buffer as ArrayBuffer]);
    return { result: result.then(requestIn), cancel };
  }

  /** As `encodeInfer`. The outputs are copied: other answers are views of the same memory. */
  encode(job: Omit<EncodeJob, 'kind'>): CodecTask<EncodedReply> {
    const outputs = job.reply.outputs.map(output => ({ ...output, data: new Uint8Array(output.data) }));
    const moved = outputs.map(output => output.data.buffer);
    const { result, cancel } = this.#submit(
      { ...job, kind: 'encode', reply: { ...job.reply, outputs } },
      moved,
    );
    return { result: result.then(replyIn), cancel };
  }

  /**
   * Takes back inputs that `decode` made, once they have run and nobody reads them: left to the collector, the tensors
   * of images made it mark the whole heap every 16 requests, for 2 ms of CPU a request and pauses of 3 to 10 ms. Not what an output is a view of.
   */
  giveBack(inputs: readonly Tensor[], outputs: readonly Tensor[]): void {
    for (const { data } of inputs) {
      if (!outputs.some(output => output.data.buffer === data.buffer)) releaseMemory(data);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const task of this.#waiting.splice(0)) task.reject(closed());
    await Promise.all([...this.#threads].map(({ worker }) => worker.terminate()));
  }

  #submit(job: CodecJob, moved: readonly ArrayBuffer[]): CodecTask<CodecAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<CodecAnswer>();
    const task: Task = { job, moved, resolve, reject };
    if (this.#isClosed) reject(closed());
    else if (this.#waiting.length >= MOST_WAITING) reject(tooMany());
    else {
      this.#waiting.push(task);
      this.#assign();
    }
    return { result: promise, cancel: error => this.#withdraw(task, error) };
  }

  #withdraw(task: Task, error: GatewayError): void {
    const place = this.#waiting.indexOf(task);
    if (place < 0) return;
    this.#waiting.splice(place, 1);
    task.reject(error);
  }

  #assign(): void {
    for (const thread of this.#threads) {
      if (this.#waiting.length === 0) return;
      if (thread.task === undefined) give(thread, this.#waiting.shift() as Task);
    }
    while (this.#waiting.length > 0 && this.#threads.size < this.#most)
      give(this.#start(), this.#waiting.shift() as Task);
  }

  #start(): Thread {
    const worker = new Worker(this.#entry);
    const thread: Thread = { worker, task: undefined };
    this.#threads.add(thread);
    // Requests keep the process alive; an idle thread must not.
    worker.unref();
    worker.on('message', (answer: CodecAnswer) => {
      const { task } = thread;
      thread.task = undefined;
      this.#assign();
      task?.resolve(answer);
    });
    let cause: unknown;
    worker.on('error', thrown => {
      cause = thrown;
    });
    worker.on('messageerror', () => void worker.terminate());
    worker.once('exit', () => {
      this.#threads.delete(thread);
      thread.task?.reject(this.#isClosed ? closed() : died(cause));
      if (!this.#isClosed) this.#assign();
    });
    return thread;
  }
}

function give(thread: Thread, task: Task): void {
  thread.task = task;
  thread.worker.postMessage(task.job, task.moved as ArrayBuffer[]);
}

/** The view itself where its memory is its own, else a copy: moving takes all of it. */
function movable(view: Uint8Array): Uint8Array {
  return view.byteOffset === 0 && view.length * 2 >= view.buffer.byteLength ? view : new Uint8Array(view);
}

function requestIn(answer: CodecAnswer): InferRequest {
  if (answer.kind === 'decoded') return answer.request;
  throw refusal(answer);
}

function replyIn(answer: CodecAnswer): EncodedReply {
  if (answer.kind === 'encoded') return answer.reply;
  throw refusal(answer);
}

function refusal(answer: CodecAnswer): Error {
  if (answer.kind === 'refused')
    return new GatewayError(answer.code, answer.message, { cause: answer.cause });
  return new Error(`this is a bug: a codec thread answered '${answer.kind}'`);
}

const closed = () => new GatewayError('unavailable', 'the gateway is closing');
const died = (cause: unknown) =>
  new GatewayError('unavailable', 'the thread that read or wrote this JSON has died; try again', { cause });
const tooMany = () =>
  new GatewayError(
    'overloaded',
    `more than ${MOST_WAITING} large JSON bodies wait to be read; try again later`,
  );
