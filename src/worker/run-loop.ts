/**
 * A run thread: one session, and nothing but running it. It sleeps in `Atomics.wait`, runs what the signal names,
 * and signals back. Waking it so and being woken by `Atomics.waitAsync` costs 7–20 µs a round trip (CPU the same),
 * `postMessage` both ways 36–51 µs, a message down with a wake-up 23–38 µs (Node 26.10, two shared cores).
 */
import os from 'node:os';
import { receiveMessageOnPort, workerData } from 'node:worker_threads';
import { AttachedSlot } from './attached-slot.ts';
import { toFailure } from './error-text.ts';
import { eventLoopTurn } from './run-at-once.ts';
import {
  COMMAND,
  type Command,
  type CommandReply,
  type NewInput,
  type RunMessage,
  type RunThreadData,
  SIGNAL,
} from './run-messages.ts';
import { type LoadedSession, loadSession, runSession } from './session.ts';

/**
 * Below the I/O thread, which feeds all run threads and answers while they run. With both cores taken by two instances
 * and other processes, 8 lower took health answers from 1.7 to 0.5 ms (p99 32 to 7) and the engines' busy time from
 * 1.2 to 1.5 of 2.
 */
const NICE_BELOW_IO = 8;

/** Runs from one turn of the event loop to the next. */
const TURN_EVERY = 256;

const { signal: signalBuffer, port } = workerData as RunThreadData;
const signal = new Int32Array(signalBuffer);
let loaded: LoadedSession | undefined;
let slots: readonly AttachedSlot[] = [];

async function obey(command: Command): Promise<CommandReply> {
  switch (command.kind) {
    case 'load':
      loaded = await loadSession(command.order);
      return { kind: 'loaded', signature: loaded.signature };
    case 'slots': {
      const { signature } = current();
      slots = command.slots.map(buffers => new AttachedSlot(buffers, signature));
      return { kind: 'done' };
    }
    case 'release': {
      const session = loaded?.session;
      loaded = undefined;
      slots = [];
      await session?.release();
      return { kind: 'done' };
    }
  }
}

async function obeyNext(): Promise<void> {
  const command = receiveMessageOnPort(port)?.message as Command;
  const reply = await obey(command).catch(error =>
    toFailure(error, 'invalid', `model cannot be ${command.kind}ed`),
  );
  port.postMessage(reply satisfies CommandReply);
}

async function run(slot: AttachedSlot): Promise<void> {
  if (slot.awaitsInput) takeInput(slot);
  try {
    const feeds = slot.feeds();
    const outputs = slot.outputsAsked();
    const startedAt = performance.now();
    const results = await runSession(current().session, feeds, outputs);
    const large = slot.answer(results, performance.now() - startedAt);
    if (large !== undefined) {
      const message: RunMessage = { kind: 'outputs', data: large };
      port.postMessage(message, [...new Set(large.map(({ buffer }) => buffer as ArrayBuffer))]);
    }
  } catch (error) {
    port.postMessage(toFailure(error, 'model-failed', 'model failed') satisfies RunMessage);
    slot.view.finish('message', 0);
  }
}

function takeInput(slot: AttachedSlot): void {
  const message = receiveMessageOnPort(port)?.message as NewInput;
  slot.takeInput(message.input, message.generation);
}

/**
 * Sleeps until there is a request after the one seen. That it was woken says nothing: whoever asks counts first and wakes
 * then, and may be kept from its core in between for as long as the run takes. The wake-up that comes late must not
 * make it run again: the second end would be taken for the next run's, whose slot still holds an earlier answer.
 */
function nextAfter(seen: number): number {
  for (;;) {
    const request = Atomics.load(signal, SIGNAL.request);
    if (request !== seen) return request;
    Atomics.wait(signal, SIGNAL.request, seen);
  }
}

function current(): LoadedSession {
  if (loaded === undefined) throw new Error('this is a bug: no session on this run thread');
  return loaded;
}

// On Linux this sets the calling thread's niceness only.
os.setPriority(Math.min(19, os.getPriority() + NICE_BELOW_IO));

for (let seen = 0; ; ) {
  seen = nextAfter(seen);
  const operation = Atomics.load(signal, SIGNAL.operation);
  if (operation === COMMAND) await obeyNext();
  else await run(slots[operation] as AttachedSlot);
  Atomics.add(signal, SIGNAL.done, 1);
  Atomics.notify(signal, SIGNAL.done);
  if (seen % TURN_EVERY === 0) await eventLoopTurn();
}
