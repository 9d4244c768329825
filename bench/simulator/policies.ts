/** Ways to decide when a batch closes, as pure functions over what waits and who is free. */
import type { Latency } from './latency-table.ts';
import type { Decision, Policy, QueueState } from './queue.ts';

/** Over how many free servers what waits is divided; 1: all of it goes to one. */
export type Dividing = (state: QueueState, rows: number) => number;

export const neverDivide: Dividing = () => 1;
export const alwaysDivide: Dividing = state => Math.min(state.freeServers, state.waiting);

const send = (rows: number): Decision => ({ kind: 'send', rows });

function share(state: QueueState, maxRows: number, divide: Dividing): number {
  const rows = Math.min(state.waitingRows, maxRows * state.freeServers);
  return Math.min(maxRows, Math.ceil(rows / Math.max(1, divide(state, rows))));
}

/** Sends whatever waits as soon as a server is free, up to `maxRows` at once. */
export function eager(maxRows: number, divide: Dividing = neverDivide): Policy {
  return state => send(share(state, maxRows, divide));
}

/** Sends a full batch at once, a smaller one when its first has waited `delayMs`: the knobs of most servers. */
export function fixed(maxRows: number, delayMs: number): Policy {
  return ({ now, first, waitingRows }) => {
    const until = first.arrivedAt + delayMs;
    return waitingRows >= maxRows || now >= until ? send(maxRows) : { kind: 'wait', until };
  };
}

/** Sends at `leastRows` rows, or when the first has waited `delayMs`, and then all up to `maxRows`. */
export function control(leastRows: number, delayMs: number, maxRows: number, divide = neverDivide): Policy {
  return state => {
    const until = state.first.arrivedAt + delayMs;
    if (state.waitingRows < leastRows && state.now < until) return { kind: 'wait', until };
    return send(share(state, maxRows, divide));
  };
}

/**
 * Servers that start together finish together, and whoever comes meanwhile waits a whole run: while fewer rows wait
 * than `enough`, a batch goes no sooner than a run divided by the servers after the last one.
 */
export function staggered(latency: Latency, enough: number, maxRows: number): Policy {
  return ({ now, sentAt, waitingRows, freeServers, servers }) => {
    const rows = Math.min(waitingRows, maxRows);
    const until = sentAt + latency(rows) / servers;
    const holds = waitingRows < enough && freeServers < servers && until > now;
    return holds ? { kind: 'wait', until } : send(rows);
  };
}

export interface Deferral {
  readonly latency: Latency;
  readonly maxRows: number;
  /** Each request's aim after its arrival, ms; by default its deadline. */
  readonly aimMs?: number;
  /** Refuse a request that no run can answer in time any more, instead of answering it late. */
  readonly drops?: boolean;
}

/**
 * Symphony's deferred scheduling: a batch goes when one more row could not join it any more without missing the
 * first one's aim; and is no larger than what still meets that aim.
 */
export function deferred({ latency, maxRows, aimMs, drops = false }: Deferral): Policy {
  return ({ now, first, waitingRows }) => {
    const aim = aimMs === undefined ? first.deadline : first.arrivedAt + aimMs;
    const left = aim - now;
    if (latency(1) > left) return drops ? { kind: 'drop' } : send(Math.min(waitingRows, maxRows));
    const rows = fitting(latency, Math.min(waitingRows, maxRows), left);
    if (rows === maxRows || rows < waitingRows) return send(rows);
    const frontrun = aim - latency(rows + 1);
    return frontrun > now ? { kind: 'wait', until: frontrun } : send(rows);
  };
}

/** Eager, but no batch larger than what still meets the first one's deadline; what cannot meet it is refused. */
export function eagerWithinDeadline(
  latency: Latency,
  maxRows: number,
  divide: Dividing = neverDivide,
): Policy {
  return state => {
    const left = state.first.deadline - state.now;
    if (latency(1) > left) return { kind: 'drop' };
    return send(fitting(latency, share(state, maxRows, divide), left));
  };
}

/** The most rows, up to `most`, that run within `ms`; at least 1. */
function fitting(latency: Latency, most: number, ms: number): number {
  let rows = most;
  while (rows > 1 && latency(rows) > ms) rows--;
  return rows;
}

/**
 * Divides where the time saved for those waiting outweighs the servers' time lost to smaller batches, which later
 * arrivals pay for. `rowsPerMs`: how many arrive.
 */
export function divideWhereItPays(latency: Latency, rowsPerMs: number): Dividing {
  return (state, rows) => {
    const parts = Math.min(state.freeServers, state.waiting);
    if (parts < 2) return 1;
    const part = latency(Math.ceil(rows / parts));
    const extra = parts * part - latency(rows);
    return rows * (latency(rows) - part) > (rowsPerMs * part * extra) / 2 ? parts : 1;
  };
}
