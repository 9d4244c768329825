import { printTable, writeResult } from '../../bench/support/report.ts';
import type { Row } from './figures.ts';

/** Prints the figures and keeps them in a file with `details`; whether every target was kept. */
export function reportRows(name: string, rows: readonly Row[], details: object): boolean {
  printTable([
    ['figure', 'value', 'target', ''],
    ...rows.map(({ figure, value, target, kept }) => [figure, value, target, kept ? 'kept' : 'MISSED']),
  ]);
  console.log(writeResult(name, { rows, ...details }));
  return rows.every(({ kept }) => kept);
}
