/** What stretches with and without slow clients say, against the targets: pure. */
import { bootstrapInterval, median } from '../../bench/support/median.ts';
import type { Row } from './figures.ts';
import { type SlowClientsResult, total } from './slow-clients.ts';

const MAX_RATIO = 1.2;
const MAX_IDLE_KB = 20;
/** Of those wanted: the others have just been ended and are on their way back. */
const PRESENT = 0.9;

export interface Slowdown {
  /** The median of the stretches, each against the mean of its two neighbours. */
  readonly ratio: number;
  /** 95 % of it. */
  readonly interval: readonly [number, number];
}

/** Neighbours are a stretch before and after: what drifts slowly is in both. */
export function slowdownOf(without: readonly number[], withCrowd: readonly number[]): Slowdown {
  const ratios = withCrowd.map(
    (ms, i) => ms / Math.sqrt((without[i] ?? Number.NaN) * (without[i + 1] ?? Number.NaN)),
  );
  return { ratio: median(ratios), interval: bootstrapInterval(ratios) };
}

export function slowClientsRows(result: SlowClientsResult): Row[] {
  const { without, withCrowd, wanted, counts, idleBytes } = result;
  const of = (what: 'p99Ms' | 'cpuUs') =>
    slowdownOf(
      without.map(stretch => stretch[what]),
      withCrowd.map(stretch => stretch[what]),
    );
  const p99 = of('p99Ms');
  const present = Math.min(...counts.map(({ guests }) => total(guests))) / total(wanted);
  const idleKb = idleBytes / 1024 / (wanted.idle ?? 0);
  const all = [...without, ...withCrowd];
  const unanswered = all.reduce((sum, { notAnswered }) => sum + notAnswered, 0);
  const requests = all.reduce((sum, one) => sum + one.requests, 0);
  return [
    row('S8 p99 with slow clients ÷ without', shown(p99), `≤ ${MAX_RATIO}`, p99.ratio <= MAX_RATIO),
    row('S8 gateway CPU a good request, with ÷ without', shown(of('cpuUs')), 'any', true),
    row(
      'S8 memory of an idle connection',
      `${idleKb.toFixed(1)} KB`,
      `≤ ${MAX_IDLE_KB} KB`,
      idleKb <= MAX_IDLE_KB,
    ),
    row('S8 good requests not answered', `${unanswered} of ${requests}`, '0', unanswered === 0),
    row(
      'R17 of the slow clients, present at the end of each stretch',
      `${(100 * present).toFixed(1)} % of ${total(wanted)}`,
      `≥ ${100 * PRESENT} %`,
      present >= PRESENT,
    ),
  ];
}

/** With its interval; unclear where that reaches beyond what is allowed. */
function shown({ ratio, interval }: Slowdown): string {
  const range = interval.map(one => one.toFixed(2)).join(' to ');
  const isUnclear = ratio <= MAX_RATIO && interval[1] > MAX_RATIO;
  return `${ratio.toFixed(2)} (${range})${isUnclear ? ', unclear' : ''}`;
}

function row(figure: string, value: string, target: string, kept: boolean): Row {
  return { figure, value, target, kept };
}
