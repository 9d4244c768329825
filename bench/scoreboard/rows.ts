/** Every row of the scoreboard. */
import { p1 } from './p1-batched-efficiency.ts';
import { p2 } from './p2-identity.ts';
import { p3 } from './p3-large-tensor.ts';
import { p4 } from './p4-json-image.ts';
import { p5 } from './p5-tail.ts';
import { p6 } from './p6-goodput.ts';
import { p7 } from './p7-batching-gain.ts';
import { p8 } from './p8-never-worse.ts';
import { p9 } from './p9-idle-tax.ts';
import { p10 } from './p10-overload.ts';
import { p11 } from './p11-isolation.ts';
import { p12 } from './p12-scale.ts';
import { p13 } from './p13-event-loop.ts';
import { p14 } from './p14-cache-hit.ts';
import type { Row } from './row.ts';

export const ROWS: readonly Row[] = [p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14];

/** What a row without a budget of its own is given. */
const USUAL_SECONDS = 120;
/** The share of a row's time that starts processes and warms up, and does not scale with the measuring times. */
const FIXED_SHARE = 0.4;

/** How long a row should take, s. */
export function expectedSeconds(row: Row, { pairs, scale }: { pairs: number; scale: number }): number {
  const atFull = row.budgetSeconds ?? USUAL_SECONDS;
  return atFull * (pairs / 5) * (FIXED_SHARE + (1 - FIXED_SHARE) * scale);
}
