/** The figures of a run against their targets: pure, and what people read. */
import type { ChaosResult } from './chaos.ts';
import type { PoisonResult } from './poison.ts';

export interface Row {
  readonly figure: string;
  readonly value: string;
  readonly target: string;
  readonly kept: boolean;
}

/** Of the requests of a chaotic run, those that may be refused. */
const MAX_REFUSED = 0.005;
/** Until full work again, beside loading models, ms. */
const MAX_RECOVERY_MS = 1000;

export function chaosRows({ target, bystander, injected, recoveredMs }: ChaosResult): Row[] {
  const share = (target.refused + target.failed) / target.requests;
  const slowest = Math.max(0, ...recoveredMs);
  const others = bystander.requests - bystander.correct;
  const proven = injected.every(({ inFlight }) => inFlight > 0) && injected.length > 0;
  return [
    row('faults injected, each with batches in flight', String(injected.length), 'all', proven),
    row('S1 lost', `${target.lost} of ${target.requests}`, '0', target.lost === 0),
    row('S1 wrong', String(target.wrong), '0', target.wrong === 0),
    row('S1 failed otherwise', String(target.failed), '0', target.failed === 0),
    row('S1 not answered', `${(100 * share).toFixed(3)} %`, '≤ 0.5 %', share <= MAX_REFUSED),
    row(
      'S2 full work again, slowest',
      `${slowest.toFixed(0)} ms`,
      '≤ 1000 ms + loading',
      slowest <= MAX_RECOVERY_MS,
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

function row(figure: string, value: string, target: string, kept: boolean): Row {
  return { figure, value, target, kept };
}
