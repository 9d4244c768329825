/** Why a setting wins, in words, each with its number. */
import type { Figures } from './measured.ts';
import { keyOf, type Layout, layoutName } from './setting.ts';
import { AS_GOOD, winner } from './winners.ts';

/** Threads that gain less are told to gain nothing. */
const SCALES = 1.15;
/** Factors nearer to 1 than this are no difference. */
const NOTICEABLE = 1.05;

/** What speaks for `best` among all that were measured; one sentence each, without a full stop. */
export function reasonsFor(best: Figures, figures: readonly Figures[]): readonly string[] {
  return [
    ...threadReason(best, figures),
    ...instanceReason(best, figures),
    ...batchReasons(
      best,
      figures.filter(one => keyOf(one) === keyOf(best)),
    ),
  ];
}

/**
 * What keeps more from being carried within a latency: what `most`, which carries most whatever it takes, would take.
 * Batches are named only where they differ: a model that is run row by row has none.
 */
export function latencyReason(best: Figures, most: Figures): string {
  const sameBatch = best.batch === most.batch;
  const sameLayout = keyOf(best) === keyOf(most);
  if (sameBatch && sameLayout) return '';
  const figures = `${factor(most.rowsPerSecond / best.rowsPerSecond)} as much, but`;
  if (sameBatch) {
    const [carry, take] = most.instances === 1 ? ['carries', 'takes'] : ['carry', 'take'];
    return `${layoutName(most)} ${carry} ${figures} ${take} ${ms(most.p99Ms)}`;
  }
  const batches = most.batch === 1 ? 'single rows' : `batches of ${most.batch}`;
  return `${batches}${sameLayout ? '' : ` on ${layoutName(most)}`} carry ${figures} take ${ms(most.p99Ms)}`;
}

function threadReason(best: Figures, figures: readonly Figures[]): string[] {
  const total = best.instances * best.threads;
  const rivals = figures.filter(one => one.instances * one.threads === total && one.threads !== best.threads);
  const rival = winner(rivals.filter(one => one.instances === 1)) ?? winner(rivals);
  if (total === 1 || rival === undefined) return [];
  const gain = best.rowsPerSecond / rival.rowsPerSecond;
  if (gain < NOTICEABLE) {
    return [`${layoutName(best)} and ${layoutName(rival)} carry about as much`];
  }
  const single = winner(figures.filter(one => one.instances === 1 && one.threads === 1));
  const verdict =
    best.threads < rival.threads
      ? threadVerdict(rival, single)
      : 'its threads share the work better than its instances';
  return [`${layoutName(best)} ${verb(best)} ${layoutName(rival)} ${factor(gain)}: ${verdict}`];
}

function threadVerdict(threaded: Figures, single: Figures | undefined): string {
  const speedUp =
    single === undefined ? 1 : threaded.rowsPerSecond / (single.rowsPerSecond * threaded.instances);
  return speedUp < SCALES
    ? 'this model does not scale over threads'
    : `${threaded.threads} threads make a run only ${factor(speedUp)} as fast`;
}

function instanceReason(best: Figures, figures: readonly Figures[]): string[] {
  const single = winner(figures.filter(one => one.instances === 1 && one.threads === best.threads));
  if (best.instances > 1 && single !== undefined) {
    const gain = best.rowsPerSecond / single.rowsPerSecond;
    return [`${best.instances} instances carry ${factor(gain)} as much as one`];
  }
  const more = winner(figures.filter(one => one.instances > best.instances && one.threads === best.threads));
  if (best.instances > 1 || more === undefined) return [];
  const share = more.rowsPerSecond / best.rowsPerSecond;
  return [`${more.instances} instances carry ${factor(share)} as much: a second one is not worth its memory`];
}

function batchReasons(best: Figures, sameLayout: readonly Figures[]): string[] {
  const single = sameLayout.find(({ batch }) => batch === 1);
  const larger = sameLayout.filter(({ batch }) => batch > best.batch);
  const reasons: string[] = [];
  if (best.batch > 1 && single !== undefined) {
    const gain = best.rowsPerSecond / single.rowsPerSecond;
    reasons.push(`batches of ${best.batch} carry ${factor(gain)} as much as single rows`);
  }
  const beyond = best.batch === 1 ? 'batches' : `batches beyond ${best.batch}`;
  const next = larger[0];
  if (next === undefined) return reasons;
  const most = Math.max(...larger.map(({ rowsPerSecond }) => rowsPerSecond));
  const worst = larger.at(-1) as Figures;
  if (worst.rowsPerSecond < AS_GOOD * best.rowsPerSecond && most < NOTICEABLE * best.rowsPerSecond) {
    const loss = Math.round(100 * (1 - worst.rowsPerSecond / best.rowsPerSecond));
    reasons.push(`${beyond} cost more per row than they save: ${worst.batch} carry ${loss} % less`);
  } else {
    reasons.push(`${beyond} only take longer: ${next.batch} take ${ms(next.p99Ms)}`);
  }
  return reasons;
}

const verb = ({ instances }: Layout): string => (instances === 1 ? 'beats' : 'beat');
const factor = (value: number): string => `${value.toFixed(value < 2 ? 2 : value < 10 ? 1 : 0)}×`;
const ms = (value: number): string => `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ms`;
