/** Fuzzes what reads files, in a thread that is watched. */
import { Worker } from 'node:worker_threads';
import { CaseSource } from './case-source.ts';
import type { Kind, Tally } from './fuzz-case.ts';
import type { ThreadOrder, ThreadReport } from './in-process-thread.ts';

export interface InProcessRun {
  readonly kind: Kind;
  readonly seed: number;
  /** Numbers of the first case, and of the one behind the last. */
  readonly from: number;
  readonly cases: number;
  /** No further case is begun once it is aborted. */
  readonly signal: AbortSignal;
  /** Absent: the loaders of this package. */
  readonly subject?: string;
  /** One case that takes longer is a hang, and its thread is ended, ms; absent: ten seconds. */
  readonly stuckMs?: number;
}

const STUCK_MS = 10_000;
const SUBJECT = new URL('in-process-subject.ts', import.meta.url).href;

/** Resolves when all cases have ended; a thread that is stuck is replaced by one that begins with the next case. */
export async function fuzzInProcess(run: InProcessRun, tally: Tally): Promise<void> {
  for (let { from } = run; from < run.cases && !run.signal.aborted; )
    from = await oneThread(run, from, tally);
}

/** Resolves with the number of the case to go on with. */
function oneThread(run: InProcessRun, from: number, tally: Tally): Promise<number> {
  const at = new SharedArrayBuffer(4);
  const order: ThreadOrder = {
    ...{ kind: run.kind, seed: run.seed, from, to: run.cases, at },
    subject: run.subject ?? SUBJECT,
  };
  const thread = new Worker(new URL('in-process-thread.ts', import.meta.url), { workerData: order });
  const source = new CaseSource(run.kind, run.seed);
  return new Promise((resolve, reject) => {
    const end = (next: number): void => {
      stopWatching();
      run.signal.removeEventListener('abort', abort);
      void thread.terminate().then(() => resolve(next));
    };
    const abort = (): void => end(run.cases);
    const stopWatching = watch(new Int32Array(at), run.stuckMs ?? STUCK_MS, index => {
      tally.found({ trouble: 'hang', case: source.at(index), detail: 'it never returned' });
      end(index + 1);
    });
    run.signal.addEventListener('abort', abort, { once: true });
    thread.on('error', reject);
    thread.on('message', (report: ThreadReport) => {
      if ('trouble' in report) tally.found({ ...report, case: source.at(report.index) });
      else {
        for (const [outcome, times] of report.outcomes) tally.ended(run.kind, outcome, times);
        if (report.done) end(run.cases);
      }
    });
  });
}

/** Tells of the case that stays the one at hand for so long. */
function watch(at: Int32Array, stuckMs: number, stuck: (index: number) => void): () => void {
  let seen = -1;
  const timer = setInterval(() => {
    const index = Atomics.load(at, 0);
    if (index === seen) stuck(index);
    seen = index;
  }, stuckMs);
  return () => clearInterval(timer);
}
