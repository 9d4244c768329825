/** The figures of a run against their targets: pure, and what people read. */
import type { Account } from './account.ts';
import type { ChaosResult } from './chaos.ts';
import type { PoisonResult } from './poison.ts';
import { DEADLINE_MS } from './subject.ts';

export interface Row {
  readonly figure: string;
  readonly value: string;
  readonly target: string;
  readonly kept: boolean;
  /** It says how fast something was: a machine with other work says nothing of it, so tests pass over it. */
  readonly timed?: true;
}

/** Of the requests of a chaotic run, those that may be refused. */
const MAX_REFUSED = 0.005;
/** Until full work again, beside loading models, ms. */
const MAX_RECOVERY_MS = 1000;

/** What an answer may take on its way beyond the deadline, ms. */
const ON_ITS_WAY_MS = 100;

export function isLate(ms: number): boolean {
  return ms > DEADLINE_MS + ON_ITS_WAY_MS;
}

export function chaosRows(result: ChaosResult): Row[] {
  const { target, late, bystander, injected, hung, recoveredMs, loadingMs } = result;
  const share = (target.refused + target.failed) / target.requests;
  const slowest = Math.max(0, ...recoveredMs);
  const others = bystander.requests - bystander.correct;
  const proven = injected.every(({ inFlight }) => inFlight > 0) && injected.length > 0;
  const untold = hung.filter(({ status, ms }) => status < 500 || isLate(ms)).length;
  return [
    row('faults injected, each with batches in flight', String(injected.length), 'all', proven),
    row('S1 lost', `${target.lost} of ${target.requests}`, '0', target.lost === 0),
    row('S1 wrong', String(target.wrong), '0', target.wrong === 0),
    row('S1 failed otherwise', String(target.failed), '0', target.failed === 0),
    timed('S1 not answered', `${(100 * share).toFixed(3)} %`, '≤ 0.5 %', share <= MAX_REFUSED),
    timed('S1 answered or refused after the deadline', late, '0', late === 0),
    none('R4 callers that hung and were told nothing in time', untold, hung.length),
    timed(
      'S2 full work again, slowest',
      `${slowest.toFixed(0)} ms`,
      `≤ ${MAX_RECOVERY_MS} + ${loadingMs.toFixed(0)} ms of loading`,
      slowest <= MAX_RECOVERY_MS + loadingMs,
    ),
    row('S3 other model not answered', `${others} of ${bystander.requests}`, '0', others === 0),
  ];
}

export function poisonRows({ good, goodFailed, poisoned, poisonedOtherwise }: PoisonResult): Row[] {
  return [
    row('S4 good requests failed beside poison', `${goodFailed} of ${good}`, '0', goodFailed === 0),
    row(
      'S4 poison not told its own error',
      `${poisonedOtherwise} of ${poisoned}`,
      '0',
      poisonedOtherwise === 0,
    ),
  ];
}

/** Of halving: what each full batch of so many requests with one culprit cost. Fewer runs than halves: it was not full. */
export function extraRunsRow(reruns: readonly number[], batch: number): Row {
  const [least, most] = [Math.log2(batch), 2 * Math.log2(batch) + 1];
  const kept = reruns.length > 0 && reruns.every(runs => runs >= least && runs <= most);
  return row(`S4 extra runs of full batches of ${batch} with one culprit`, reruns.join(), `≤ ${most}`, kept);
}

export function row(figure: string, value: string | number, target: string, kept: boolean): Row {
  return { figure, value: String(value), target, kept };
}

/** A row that says how fast something was, or how much a machine that is busy otherwise could carry. */
export const timed = (...[figure, value, target, kept]: Parameters<typeof row>): Row => ({
  ...row(figure, value, target, kept),
  timed: true,
});

/** Something that must never happen: `count` times of so many. Of none at all nothing can be said. */
export const none = (figure: string, count: number, of?: number): Row =>
  row(figure, of === undefined ? count : `${count} of ${of}`, '0', count === 0 && of !== 0);

/** Every request was answered right. */
export const allRight = (figure: string, { requests, correct }: Account): Row =>
  none(figure, requests - correct, requests);

/** Nobody was left without an answer, and nobody had another's. */
export const noneLost = (figure: string, { requests, lost, wrong }: Account): Row =>
  none(figure, lost + wrong, requests);

/** What 99 of 100 took at most, ms; and of all, those that their generator sent late: then it says little of the gateway. */
export interface Tail {
  readonly p99Ms: number;
  readonly lateShare: number;
}

/** How much longer 99 of 100 took at most, under the fault. */
export function slower(figure: string, during: Tail, before: Tail, times: number): Row {
  return timed(figure, ratio(during, before), `≤ ${times}`, during.p99Ms <= times * before.p99Ms);
}

/** How many ms more 99 of 100 took at most, under the fault. */
export function tax(figure: string, during: Tail, before: Tail, mostMs: number): Row {
  const ms = during.p99Ms - before.p99Ms;
  return timed(figure, `${ms.toFixed(1)} ms${doubt(during, before)}`, `≤ ${mostMs} ms`, ms <= mostMs);
}

export const ratio = (during: Tail, before: Tail): string =>
  `${(during.p99Ms / before.p99Ms).toFixed(2)} (${during.p99Ms.toFixed(1)} / ${before.p99Ms.toFixed(1)} ms)${doubt(during, before)}`;

const MAX_LATE_SHARE = 0.01;

function doubt(...tails: readonly Tail[]): string {
  const late = Math.max(...tails.map(({ lateShare }) => lateShare));
  return late <= MAX_LATE_SHARE ? '' : `, ${Math.round(100 * late)} % sent late`;
}

/** A figure that nobody promised anything of. */
export const reported = (figure: string, value: string): Row => timed(figure, value, 'none', true);
