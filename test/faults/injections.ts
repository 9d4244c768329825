/** Faults as they are injected, each with the proof that it happened while requests were in flight. */
import { setTimeout as sleep } from 'node:timers/promises';
import { inferUrl } from '../support/client.ts';
import { isAlive } from '../support/processes.ts';
import { models, workerPidsOf } from './operator.ts';
import { type Subject, WIDTH } from './subject.ts';

export interface Injected {
  readonly fault: string;
  /** Since the load began, ms. */
  readonly atMs: number;
  /** When its worker was gone, ms. */
  readonly diedMs: number;
  /** Batches of the model that its worker had just before. */
  readonly inFlight: number;
  readonly pid: number;
  /** Of a hang: what its own caller was told, and when. */
  readonly caller?: Promise<Told>;
}

export interface Told {
  /** 0: the connection broke. */
  readonly status: number;
  readonly ms: number;
}

export type Fault = 'kill' | 'segfault' | 'abort' | 'stop' | 'hang';

export const FAULTS: readonly Fault[] = ['kill', 'segfault', 'hang', 'abort', 'stop'];

const SIGNALS = { kill: 'SIGKILL', segfault: 'SIGSEGV', abort: 'SIGABRT', stop: 'SIGSTOP' } as const;
/** Loop turns that no machine makes in a day. */
const FOREVER = 1e12;
/** What FP32 can tell apart there: each time another input, for one that hung before is refused. */
const APART = 1e6;
/** For a moment with a batch in flight, and for the death that follows: a machine that stands still is forgiven, and takes longer. */
const PATIENCE_MS = 30_000;

/**
 * Strikes the worker that hosts the model, where its hangs are rows of negative numbers (`lagging`). Rejects when no
 * moment with a batch in flight was found, or when nothing died of it: then nothing was injected.
 */
export async function inject(
  fault: Fault,
  subject: Subject,
  model: string,
  startedAt: number,
): Promise<Injected> {
  for (;;) {
    const { pid, inFlight } = await untilInFlight(subject, model);
    const atMs = Math.round(performance.now() - startedAt);
    const caller = fault === 'hang' ? hang(subject, model, atMs) : undefined;
    if (fault !== 'hang' && !struck(pid, SIGNALS[fault])) continue;
    await untilGone(fault, pid);
    const diedMs = Math.round(performance.now() - startedAt);
    return { fault, atMs, diedMs, inFlight, pid, ...(caller && { caller }) };
  }
}

/** False: it is gone, as it was being replaced. */
function struck(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** The process of the worker that hosts the model, with a batch of it in flight. */
async function untilInFlight(subject: Subject, model: string) {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    // A model that crashed the worker it shared has one of its own.
    const [pid] = await workerPidsOf(subject, model);
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

/** Somebody asks for what never ends, through the real engine. */
async function hang({ headgate }: Subject, model: string, nonce: number): Promise<Told> {
  const data = Array.from({ length: WIDTH }, () => -FOREVER - nonce * APART);
  const inputs = [{ name: 'x', shape: [1, WIDTH], datatype: 'FP32', data }];
  const from = performance.now();
  const status = await fetch(inferUrl(headgate.url, model), {
    method: 'POST',
    body: JSON.stringify({ inputs }),
  }).then(
    async response => {
      await response.arrayBuffer();
      return response.status;
    },
    () => 0,
  );
  return { status, ms: performance.now() - from };
}
