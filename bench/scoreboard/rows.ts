/** Every row of the scoreboard. */
import type { Row } from './row.ts';

export const ROWS: readonly Row[] = [];

/** What a row without a budget of its own is given. */
const USUAL_SECONDS = 120;
/** The share of a row's time that starts processes and warms up, and does not scale with the measuring times. */
const FIXED_SHARE = 0.4;

/** How long a row should take, s. */
export function expectedSeconds(row: Row, { pairs, scale }: { pairs: number; scale: number }): number {
  const atFull = row.budgetSeconds ?? USUAL_SECONDS;
  return atFull * (pairs / 5) * (FIXED_SHARE + (1 - FIXED_SHARE) * scale);
}
