/** Faults as they are injected, each with the proof that it happened while requests were in flight. */
import { setTimeout as sleep } from 'node:timers/promises';
import { inferUrl } from '../support/client.ts';
import type { Subject } from './subject.ts';

export interface Injected {
  readonly fault: string;
  /** Since the load began, ms. */
  readonly atMs: number;
  /** Batches that workers had just before. */
  readonly inFlight: number;
  readonly pid: number;
}

export type Fault = 'kill' | 'segfault' | 'abort' | 'stop' | 'hang';

export const FAULTS: readonly Fault[] = ['kill', 'segfault', 'hang', 'abort', 'stop'];

const SIGNALS = { kill: 'SIGKILL', segfault: 'SIGSEGV', abort: 'SIGABRT', stop: 'SIGSTOP' } as const;
/** Loop turns that no machine makes in a day. */
const FOREVER = 1e12;
/** For a moment with a batch in flight. */
const PATIENCE_MS = 5000;

/** Rejects when no moment with a batch in flight was found: then nothing was injected. */
export async function inject(
  fault: Fault,
  subject: Subject,
  model: string,
  startedAt: number,
): Promise<Injected> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    const { pid } = await sharedWorker(subject);
    const inFlight = await runningBatches(subject, model);
    if (inFlight > 0 && pid !== undefined) {
      if (fault === 'hang') void hang(subject);
      else process.kill(pid, SIGNALS[fault]);
      return { fault, atMs: Math.round(performance.now() - startedAt), inFlight, pid };
    }
    if (performance.now() > until) throw new Error(`${fault}: no batch was in flight for ${PATIENCE_MS} ms`);
    await sleep(1);
  }
}

/** The worker that models share; `pid` is undefined while it has no process. */
export async function sharedWorker(subject: Subject): Promise<{ readonly pid: number | undefined }> {
  const workers = await admin<readonly { name: string; pid?: number }[]>(subject, '/v1/workers');
  return { pid: workers.find(({ name }) => name === 'cpu')?.pid };
}

async function runningBatches(subject: Subject, model: string): Promise<number> {
  const models = await admin<readonly { name: string; runningBatches?: number }[]>(subject, '/v1/models');
  return models.find(({ name }) => name === model)?.runningBatches ?? 0;
}

/** A caller of another model on the same worker asks for what never ends, through the real engine. */
async function hang({ headgate }: Subject): Promise<void> {
  const inputs = [{ name: 'iterations', shape: [1, 1], datatype: 'INT64', data: [FOREVER] }];
  const response = await fetch(inferUrl(headgate.url, 'spin'), {
    method: 'POST',
    body: JSON.stringify({ inputs }),
  }).catch(() => undefined);
  await response?.arrayBuffer().catch(() => undefined);
}

async function admin<T>({ headgate }: Subject, url: string): Promise<T> {
  return (await (await fetch(`${headgate.adminUrl}${url}`)).json()) as T;
}
