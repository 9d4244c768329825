/** Faults as they are injected, each with the proof that it happened while requests were in flight. */
import { setTimeout as sleep } from 'node:timers/promises';
import { inferUrl } from '../support/client.ts';
import { isAlive } from '../support/processes.ts';
import { models, workerPidsOf } from './operator.ts';
import type { Subject } from './subject.ts';

export interface Injected {
  readonly fault: string;
  /** Since the load began, ms. */
  readonly atMs: number;
  /** When its worker was gone, ms. */
  readonly diedMs: number;
  /** Batches of the model that its worker had just before. */
  readonly inFlight: number;
  readonly pid: number;
}

export type Fault = 'kill' | 'segfault' | 'abort' | 'stop' | 'hang';

export const FAULTS: readonly Fault[] = ['kill', 'segfault', 'hang', 'abort', 'stop'];

const SIGNALS = { kill: 'SIGKILL', segfault: 'SIGSEGV', abort: 'SIGABRT', stop: 'SIGSTOP' } as const;
/** Loop turns that no machine makes in a day; each time others, for an input that hung before is refused. */
const FOREVER = 1e12;
/** For a moment with a batch in flight, and for the death that follows: a machine that stands still is forgiven, and takes longer. */
const PATIENCE_MS = 30_000;

/**
 * Strikes the worker that hosts the model. Rejects when no moment with a batch in flight was found, or when nothing
 * died of it: then nothing was injected.
 */
export async function inject(
  fault: Fault,
  subject: Subject,
  model: string,
  startedAt: number,
): Promise<Injected> {
  const { pid, inFlight } = await untilInFlight(subject, model, fault === 'hang' ? 'spin' : model);
  const atMs = Math.round(performance.now() - startedAt);
  if (fault === 'hang') void hang(subject, atMs);
  else process.kill(pid, SIGNALS[fault]);
  await untilGone(fault, pid);
  return { fault, atMs, diedMs: Math.round(performance.now() - startedAt), inFlight, pid };
}

/** The process of the worker that hosts `victim`, with a batch of `model` in flight. */
async function untilInFlight(subject: Subject, model: string, victim: string) {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    // A model that crashed the worker it shared has one of its own.
    const [pid] = await workerPidsOf(subject, victim);
    const inFlight = await runningBatches(subject, model);
    if (inFlight > 0 && pid !== undefined) return { pid, inFlight };
    if (performance.now() > until) throw new Error(`no batch was in flight for ${PATIENCE_MS} ms`);
    await sleep(1);
  }
}

async function untilGone(fault: Fault, pid: number): Promise<void> {
  const until = performance.now() + PATIENCE_MS;
  while (isAlive(pid)) {
    if (performance.now() > until) throw new Error(`${fault}: worker ${pid} lived on for ${PATIENCE_MS} ms`);
    await sleep(5);
  }
}

async function runningBatches(subject: Subject, model: string): Promise<number> {
  return (await models(subject)).find(({ name }) => name === model)?.runningBatches ?? 0;
}

/** A caller of another model asks for what never ends, through the real engine. */
async function hang({ headgate }: Subject, nonce: number): Promise<void> {
  const data = [FOREVER + nonce];
  const inputs = [{ name: 'iterations', shape: [1, 1], datatype: 'INT64', data }];
  const response = await fetch(inferUrl(headgate.url, 'spin'), {
    method: 'POST',
    body: JSON.stringify({ inputs }),
  }).catch(() => undefined);
  await response?.arrayBuffer().catch(() => undefined);
}
