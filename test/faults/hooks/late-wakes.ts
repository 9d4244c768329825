/**
 * Imported into workers: now and then whoever asks a run thread wakes it only after it has answered, as one that is kept
 * from its core in between. Where wake-ups were counted the thread ran again, and later runs had earlier answers.
 */
import { isMainThread } from 'node:worker_threads';
import { SIGNAL } from '../../../src/worker/run-messages.ts';

/** Of the wake-ups. */
const SHARE = 0.05;
/** A thread that sleeps already waits for it. */
const MOST_MS = 5;

type Notify = (signal: Int32Array | BigInt64Array, index: number, count?: number) => number;

const notify = Atomics.notify as Notify;

function untilDone(signal: Int32Array): void {
  const until = performance.now() + MOST_MS;
  const before = Atomics.load(signal, SIGNAL.done);
  while (Atomics.load(signal, SIGNAL.done) === before && performance.now() < until);
}

if (isMainThread) {
  const late: Notify = (signal, index, count) => {
    const isSignal = signal instanceof Int32Array && signal.length === SIGNAL.words;
    if (isSignal && index === SIGNAL.request && Math.random() < SHARE) untilDone(signal);
    return notify(signal, index, count);
  };
  Atomics.notify = late;
}
