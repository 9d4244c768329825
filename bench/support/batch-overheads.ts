/** What resilience does for each batch and each request, piece by piece, as the gateway calls it. */
import { performance } from 'node:perf_hooks';
import { RetryBudget } from '../../src/batch/retry-budget.ts';
import { Clients } from '../../src/http/clients.ts';
import { AdaptiveLimit } from '../../src/pool/adaptive-limit.ts';
import { RunTimes } from '../../src/pool/pace.ts';
import { RunWatch } from '../../src/pool/run-watch.ts';
import { UNCONFIGURED, VersionBreaker } from '../../src/pool/version-breaker.ts';
import { Pressure } from '../../src/pressure.ts';

export interface Overhead {
  readonly what: string;
  /** How often it is done: once a batch, or once a request. */
  readonly per: 'batch' | 'request';
  readonly run: (i: number) => void;
}

const now = () => performance.now();
const ignore = () => {};

/** `end` returns how often anything was refused: never. */
export function overheads(): { readonly all: readonly Overhead[]; readonly end: () => number } {
  const breaker = new VersionBreaker({
    ...UNCONFIGURED,
    ...{
      trySample: async () => {},
      isUp: () => true,
      trialLimitMs: 1000,
      random: Math.random,
      changed: ignore,
    },
  });
  const watch = new RunWatch(now, { hangs: ignore, lags: ignore }, 2);
  // As under load, when there is always one more.
  watch.begin(60_000);
  const budget = new RetryBudget(now());
  const times = new RunTimes();
  const limit = new AdaptiveLimit(16, now());
  const pressure = new Pressure();
  const clients = new Clients(16_384);
  const client = clients.connect('127.0.0.1');
  let off = 0;
  const all: readonly Overhead[] = [
    {
      what: 'breaker: a run begins and succeeds',
      per: 'batch',
      run: () => breaker.succeeded(breaker.begin(), 1),
    },
    { what: 'hangs: a run is watched', per: 'batch', run: () => watch.end(watch.begin(1000)) },
    {
      what: 'hangs: cores are lent to others',
      per: 'batch',
      run: () => clearTimeout(setTimeout(ignore, 1000)),
    },
    { what: 'retries: the budget grows', per: 'batch', run: () => budget.ran() },
    { what: 'slow workers: a run is noted', per: 'batch', run: i => times.note(1 + (i & 7), 1) },
    {
      what: 'adaptive limit: a run is noted',
      per: 'batch',
      run: i => void limit.add(1 + (i & 7), 1, 2, now()),
    },
    {
      what: 'pressure: three steps are asked for',
      per: 'request',
      run: () => {
        if (pressure.isOff('low-priority') || pressure.isOff('cache-writes') || pressure.isOff('connections'))
          off++;
      },
    },
    {
      what: 'clients: a request is counted',
      per: 'request',
      run: () => {
        client.requests++;
        if (clients.refusal(client) !== undefined) off++;
        client.requests--;
      },
    },
  ];
  const end = () => {
    breaker.shutDown();
    return off;
  };
  return { all, end };
}
