import type { Figure } from './row.ts';

/** `unclear`: it moved by more than noise does, but the intervals overlap, or are of too few measurements to say. */
export type Change = 'better' | 'worse' | 'same' | 'unclear' | 'void' | 'only before' | 'only after';

export interface Comparison {
  /** Row and name. */
  readonly figure: string;
  readonly before: Figure | undefined;
  readonly after: Figure | undefined;
  /** after ÷ before − 1; NaN where either is missing or the first is 0. */
  readonly change: number;
  readonly verdict: Change;
}

/** A smaller change is noise, whatever the intervals say. */
const NOISE = 0.05;
/** The interval of one or two is no wider than they are. */
const LEAST_MEASURED = 3;

/** Every figure of two results, in the order of the later one; what is only in the earlier one comes last. */
export function compareFigures(before: readonly Figure[], after: readonly Figure[]): Comparison[] {
  const keyOf = ({ row, name }: Figure) => `${row} ${name}`;
  const earlier = new Map(before.map(figure => [keyOf(figure), figure]));
  const later = new Map(after.map(figure => [keyOf(figure), figure]));
  return [...new Set([...later.keys(), ...earlier.keys()])].map(key =>
    compare(key, earlier.get(key), later.get(key)),
  );
}

function compare(figure: string, before: Figure | undefined, after: Figure | undefined): Comparison {
  const change = before === undefined || after === undefined ? Number.NaN : after.value / before.value - 1;
  return { figure, before, after, change, verdict: judgeChange(before, after) };
}

function judgeChange(before: Figure | undefined, after: Figure | undefined): Change {
  if (before === undefined) return 'only after';
  if (after === undefined) return 'only before';
  if (before.isVoid !== undefined || after.isVoid !== undefined) return 'void';
  if (!(Math.abs(after.value - before.value) > NOISE * Math.abs(before.value))) return 'same';
  const measured = Math.min(before.all.length, after.all.length);
  if (measured < LEAST_MEASURED || intervalsOverlap(before, after)) return 'unclear';
  return after.value > before.value === isMoreBetter(after) ? 'better' : 'worse';
}

/** Do the 95 % intervals have a value in common? */
export function intervalsOverlap(a: Figure, b: Figure): boolean {
  return a.interval[0] <= b.interval[1] && b.interval[0] <= a.interval[1];
}

function isMoreBetter({ target, unit, lessIsBetter }: Figure): boolean {
  return target === undefined ? unit === 'ratio' && lessIsBetter !== true : target.bound === 'least';
}
