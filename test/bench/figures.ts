import { makeFigure } from '../../bench/scoreboard/figure.ts';
import type { Figure } from '../../bench/scoreboard/row.ts';

/** A figure with these pairs, and of the row `P0` unless told otherwise. */
export function figure(all: readonly number[], more: Partial<Figure> = {}): Figure {
  return { ...makeFigure({ row: 'P0', name: 'one', unit: 'ratio', all, details: {} }), ...more };
}
