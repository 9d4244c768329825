/**
 * When a batch closes and how large it is: Triton's dynamic batcher as a pure function, with two differences.
 * A request that does not fit is passed over instead of ending the batch, and a preferred size that can be formed
 * is kept after the queue delay too, where Triton sends odd sizes such as max(preferred) + 1 (its server#8141).
 */

export interface ClosingRule {
  /** Rows of the largest batch; at least 1. */
  readonly maxRows: number;
  /** Ascending, none above `maxRows`. Empty: as large as possible. */
  readonly preferredRows: readonly number[];
  /** Longest time a request is held back to let others join, ms; 0: never. */
  readonly delayMs: number;
  /** False: a batch is one request, or a part of one. */
  readonly joins: boolean;
}

/** One waiting request, linked in the order in which batches take them. */
export interface WaitingRows {
  readonly rows: number;
  /** May ride in several batches. */
  readonly splittable: boolean;
  /** ms, on the same clock as `now`. */
  readonly submittedAt: number;
  readonly next: WaitingRows | undefined;
}

/** Send at most so many rows now, or look again when one more request arrives or at `until`, ms. */
export type Closing =
  | { readonly kind: 'send'; readonly rows: number }
  | { readonly kind: 'wait'; readonly until: number };

/**
 * How many requests that do not fit a batch may be passed over for later, smaller ones. Nobody starves: the first
 * one passed over heads the next batch, and whoever overtakes it rides in rows that would have stayed empty.
 */
export const MAX_PASSED_OVER = 16;

/** How many of a request's rows fit into the room left: all, or none, or as many as there is room if it may be split. */
export function rowsThatFit(request: WaitingRows, room: number): number {
  if (request.rows <= room) return request.rows;
  return request.splittable ? room : 0;
}

/** With fewer rows than this in a queue, only the delay can close a batch of it. */
export function leastRows({ preferredRows, maxRows }: ClosingRule): number {
  return preferredRows[0] ?? maxRows;
}

/** Decides over one queue, from its first request on, for the moment when a worker is free. */
export function closeBatch(head: WaitingRows, rule: ClosingRule, now: number): Closing {
  const { maxRows, preferredRows, delayMs, joins } = rule;
  if (!joins) return { kind: 'send', rows: Math.min(head.rows, maxRows) };
  if (delayMs === 0 && preferredRows.length === 0) return { kind: 'send', rows: maxRows };

  const { rows, preferred, beforeLargest, oldestAt, passedOver } = scan(head, rule);
  if (preferred > 0) return { kind: 'send', rows: preferred };
  if (delayMs > 0 && now - oldestAt >= delayMs) return { kind: 'send', rows };
  if (beforeLargest > 0) return { kind: 'send', rows: beforeLargest };
  if (delayMs === 0 || passedOver > 0 || rows >= largest(rule)) return { kind: 'send', rows };
  return { kind: 'wait', until: oldestAt + delayMs };
}

interface Scan {
  /** Rows of the largest batch that can be formed. */
  readonly rows: number;
  /** The largest preferred size that can be formed exactly; 0: none. */
  readonly preferred: number;
  /** Rows up to the request that would go beyond the largest preferred size; 0: none does. */
  readonly beforeLargest: number;
  readonly oldestAt: number;
  readonly passedOver: number;
}

function scan(head: WaitingRows, rule: ClosingRule): Scan {
  let rows = 0;
  let preferred = 0;
  let beforeLargest = 0;
  let oldestAt = Number.POSITIVE_INFINITY;
  let passedOver = 0;
  let request: WaitingRows | undefined = head;
  for (; request !== undefined && rows < rule.maxRows; request = request.next) {
    const fit = rowsThatFit(request, rule.maxRows - rows);
    if (fit === 0) {
      if (++passedOver > MAX_PASSED_OVER) break;
      continue;
    }
    if (beforeLargest === 0 && rows + fit > largest(rule)) beforeLargest = rows;
    preferred = reached(rule.preferredRows, rows, rows + fit, request.splittable) ?? preferred;
    rows += fit;
    oldestAt = Math.min(oldestAt, request.submittedAt);
  }
  return { rows, preferred, beforeLargest, oldestAt, passedOver };
}

function largest({ preferredRows, maxRows }: ClosingRule): number {
  return preferredRows.at(-1) ?? maxRows;
}

/** The largest preferred size met by going from `below` to `upTo` rows; a request that may be split can stop anywhere between. */
function reached(
  preferredRows: readonly number[],
  below: number,
  upTo: number,
  splittable: boolean,
): number | undefined {
  return preferredRows.findLast(size => size === upTo || (splittable && size > below && size < upTo));
}
