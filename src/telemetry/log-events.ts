/** What of the events is worth a line in the log: lives of versions and workers, refusals, and failures, sampled. */
import type { Logger } from 'pino';
import type { ErrorCode } from '../errors.ts';
import {
  type BreakerChanged,
  type Events,
  type QuarantineChanged,
  type Refused,
  type RequestDone,
  type SharedCacheChanged,
  STOPPED,
  type VersionChanged,
  type WorkerChanged,
} from '../events.ts';
import { LineBudget } from './line-budget.ts';

/** Outcomes answered with a 5xx. What a caller did wrong, or withdrew, is counted and not logged. */
const OUR_FAULT: Record<ErrorCode, boolean> = {
  invalid: false,
  forbidden: false,
  'not-found': false,
  'method-not-allowed': false,
  'request-timeout': false,
  'too-large': false,
  'unsupported-encoding': false,
  'headers-too-large': false,
  overloaded: false,
  cancelled: false,
  'model-failed': true,
  internal: true,
  unavailable: true,
  'worker-failed': true,
  'not-cached': false,
  deadline: true,
  'not-implemented': false,
};

const FAILURES_PER_WINDOW = 10;
const WINDOW_MS = 10_000;
/** Characters of a reason that comes from a model or a worker. */
const MAX_REASON = 1000;

/** Writes events to the log for the life of the process. The function it returns tells what was left out last. */
export function logEvents(events: Events, logger: Logger): () => void {
  const failures = new LineBudget(FAILURES_PER_WINDOW, WINDOW_MS, suppressed =>
    logger.warn({ suppressed }, 'more requests failed'),
  );
  events.on('request:done', done => logFailure(logger, failures, done));
  events.on('version:changed', change => logVersion(logger, change));
  events.on('input:condemned', input =>
    logger.warn({ ...input }, 'an input took its worker down twice and is refused'),
  );
  events.on('worker:changed', change => logWorker(logger, change));
  events.on('run:hung', run => logger.warn({ ...run }, 'a run hangs, its worker is killed'));
  events.on('ejection:changed', change =>
    logger.warn({ ...change }, change.ejected ? 'slow instances left out' : 'slow instances are back'),
  );
  events.on('quarantine:changed', change => logQuarantine(logger, change));
  events.on('breaker:changed', change => logBreaker(logger, change));
  events.on('pressure:changed', ({ isOff, ...change }) =>
    logger.warn(change, isOff ? 'short of memory or time: given up' : 'taken up again'),
  );
  events.on('shared-cache:changed', change => logSharedCache(logger, change));
  events.on('config:refused', refused => logRefused(logger, refused));
  events.on('config:ignored', ignored => logIgnored(logger, ignored));
  return () => failures.close();
}

function logFailure(logger: Logger, failures: LineBudget, done: RequestDone): void {
  if (done.outcome === 'ok' || !OUR_FAULT[done.outcome] || !failures.take()) return;
  const { model, version, route, outcome, rows, totalMs, queueMs } = done;
  logger.warn({ model, version, route, outcome, rows, totalMs, queueMs }, 'request failed');
}

function logVersion(logger: Logger, { model, version, state, reason }: VersionChanged): void {
  if (state === 'UNAVAILABLE' && reason !== 'unloaded')
    logger.warn({ model, version, state, reason: short(reason) }, 'version unavailable');
  else logger.info({ model, version, state }, `version ${state.toLowerCase()}`);
}

function logWorker(logger: Logger, { worker, state, pid, detail }: WorkerChanged): void {
  const isWell = state === 'starting' || state === 'ready' || detail === STOPPED;
  const level = isWell ? 'info' : 'warn';
  logger[level]({ worker, state, pid, detail: short(detail) }, `worker ${state}`);
}

function logQuarantine(
  logger: Logger,
  { model, version, worker, quarantined, reason }: QuarantineChanged,
): void {
  if (quarantined) logger.warn({ model, version, worker, reason }, 'version quarantined');
  else logger.info({ model, version, worker }, 'version no longer quarantined');
}

function logBreaker(logger: Logger, change: BreakerChanged): void {
  const { model, version, worker, state, reason, nextTrialMs } = change;
  const level = state === 'open' ? 'warn' : 'info';
  logger[level]({ model, version, worker, reason: short(reason), nextTrialMs }, `breaker ${state}`);
}

/** Connecting is tried again every few seconds: only a change is worth a line, and that is what comes. */
function logSharedCache(logger: Logger, { state, detail }: SharedCacheChanged): void {
  const level = state === 'connected' || state === 'closed' ? 'info' : 'warn';
  logger[level]({ state, detail }, `shared cache ${state}`);
}

function logRefused(logger: Logger, { source, message }: Refused): void {
  logger.error({ source, reason: short(message) }, 'configuration refused, the old one stays');
}

function logIgnored(logger: Logger, { source, message }: Refused): void {
  logger.warn({ source, ignored: short(message) }, 'configuration in force, without what is not supported');
}

function short(text: string): string {
  return text.length <= MAX_REASON ? text : `${text.slice(0, MAX_REASON)}…`;
}
