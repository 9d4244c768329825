import { judge } from './figure.ts';
import type { Figure } from './row.ts';

const HEAD = ['row', 'figure', 'value', '95 % interval', 'spread', 'target', 'verdict', 'CPU ratio'];

/** The scoreboard as cells, its head first. */
export function figuresTable(figures: readonly Figure[]): string[][] {
  return [HEAD, ...figures.map(figureCells)];
}

function figureCells(figure: Figure): string[] {
  const show = (value: number) => `${value.toFixed(2)}${figure.unit === 'ms' ? ' ms' : ''}`;
  return [
    figure.row,
    figure.name,
    show(figure.value),
    `${figure.interval[0].toFixed(2)}–${figure.interval[1].toFixed(2)}`,
    `${Math.min(...figure.all).toFixed(2)}–${Math.max(...figure.all).toFixed(2)}`,
    targetText(figure),
    judge(figure),
    figure.cpu === undefined ? '' : figure.cpu.toFixed(2),
  ];
}

function targetText({ target }: Figure): string {
  if (target === undefined) return '';
  const sign = target.bound === 'least' ? '≥' : '≤';
  return `${sign} ${target.value}${target.stretch === undefined ? '' : ` (${target.stretch})`}`;
}
