/** Who gives way when a queue is full and somebody more urgent comes. A pure decision. */
import { GatewayError } from '../errors.ts';

/** One waiting request, in a list with the least urgent, newest one last. */
export interface Displaceable<Self> {
  readonly priority: number;
  readonly submittedAt: number;
  /** Not yet sent. */
  readonly rows: number;
  readonly bytes: number;
  readonly previous: Self | undefined;
}

export interface Room {
  readonly rows: number;
  readonly bytes: number;
}

/**
 * The requests, the least urgent first and of those the newest, without which there is so much more room; undefined
 * when those less urgent than `priority` do not hold as much, and then nobody gives way. `tails`: the last of each list.
 */
export function thoseWhoGiveWay<Entry extends Displaceable<Entry>>(
  tails: Iterable<Entry | undefined>,
  priority: number,
  missing: Room,
): readonly Entry[] | undefined {
  const candidates = [...tails];
  const leaving: Entry[] = [];
  let { rows, bytes } = missing;
  while (rows > 0 || bytes > 0) {
    let last: number | undefined;
    for (let i = 0; i < candidates.length; i++) {
      const candidate = candidates[i];
      if (candidate === undefined || candidate.priority <= priority) continue;
      const other = last === undefined ? undefined : candidates[last];
      if (other === undefined || givesWayBefore(candidate, other)) last = i;
    }
    const entry = last === undefined ? undefined : candidates[last];
    if (last === undefined || entry === undefined) return undefined;
    leaving.push(entry);
    rows -= entry.rows;
    bytes -= entry.bytes;
    candidates[last] = entry.previous;
  }
  return leaving;
}

function givesWayBefore<Entry extends Displaceable<Entry>>(a: Entry, b: Entry): boolean {
  return a.priority === b.priority ? a.submittedAt > b.submittedAt : a.priority > b.priority;
}

export function gaveWayError(model: string, retryAfterMs: number): GatewayError {
  const message = `model "${model}": the queue is full, and the request gave way to a more urgent one; try again later`;
  return new GatewayError('overloaded', message, { retryAfterMs });
}
