import { bootstrapInterval, median } from '../support/median.ts';
import type { Figure } from './row.ts';

/** A figure from its pairs: the median and its interval are computed here. */
export function makeFigure(parts: Omit<Figure, 'value' | 'interval'>): Figure {
  return { ...parts, value: median(parts.all), interval: bootstrapInterval(parts.all) };
}

/** `void`: it says nothing; `shown`: it is held to nothing. */
export type Verdict = 'kept' | 'missed' | 'void' | 'shown';

/** Is the figure's median within its bound? */
export function judge({ value, target, isVoid }: Pick<Figure, 'value' | 'target' | 'isVoid'>): Verdict {
  if (isVoid !== undefined || !Number.isFinite(value)) return 'void';
  if (target === undefined) return 'shown';
  const isWithin = target.bound === 'least' ? value >= target.value : value <= target.value;
  return isWithin ? 'kept' : 'missed';
}
