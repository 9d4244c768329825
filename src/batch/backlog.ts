import type { Closing } from './closing.ts';
import type { Entry } from './entry.ts';
import { type Piece, ShapeQueue } from './shape-queue.ts';

/** Which queue the next batch comes from and how many of its rows, or when to look again. */
export type Choice =
  | { readonly kind: 'send'; readonly queue: ShapeQueue; readonly rows: number }
  | { readonly kind: 'wait'; readonly until: number }
  | { readonly kind: 'nothing' };

/**
 * Everything that waits for one version: a queue per signature, and the counts its bounds are about. A queue exists
 * only while something waits in it, so no mix of shapes leaves anything behind.
 */
export class Backlog {
  /** Rows not yet sent. */
  rows = 0;
  /** Bytes of requests with rows not yet sent. */
  bytes = 0;
  readonly #queues = new Map<string, ShapeQueue>();
  /** Rows not yet sent, by priority. */
  readonly #rowsAt: number[] = [];

  get signatures(): number {
    return this.#queues.size;
  }

  /** Each has a head. */
  get queues(): Iterable<ShapeQueue> {
    return this.#queues.values();
  }

  has(key: string): boolean {
    return this.#queues.has(key);
  }

  /** Rows not yet sent that are as urgent, or more. */
  rowsBefore(priority: number): number {
    let rows = 0;
    for (let level = 1; level <= priority; level++) rows += this.#rowsAt[level] ?? 0;
    return rows;
  }

  /** The least urgent, newest of each signature. */
  *tails(): Iterable<Entry | undefined> {
    for (const { tail } of this.#queues.values()) yield tail;
  }

  /** The queue an entry made for this key must be added to at once. */
  queueFor(key: string): ShapeQueue {
    let queue = this.#queues.get(key);
    if (queue === undefined) {
      queue = new ShapeQueue(key);
      this.#queues.set(key, queue);
    }
    return queue;
  }

  add(entry: Entry): void {
    entry.queue.add(entry);
    this.rows += entry.rows;
    this.bytes += entry.bytes;
    this.#count(entry.priority, entry.rows);
  }

  /** To where an arrival of this priority goes. */
  move(entry: Entry, priority: number): void {
    this.#count(entry.priority, -entry.rows);
    entry.queue.move(entry, priority);
    this.#count(priority, entry.rows);
  }

  /** Drops the rows of an entry that were not sent; no-op when all were. */
  remove(entry: Entry): void {
    if (entry.rows === 0) return;
    entry.queue.remove(entry);
    this.rows -= entry.rows;
    this.bytes -= entry.bytes;
    this.#count(entry.priority, -entry.rows);
    entry.rows = 0;
    this.#evictIfEmpty(entry.queue);
  }

  /** Takes at most `rows` rows to run now. */
  take(queue: ShapeQueue, rows: number): Piece[] {
    const pieces = queue.take(rows);
    for (const { entry, rows } of pieces) {
      this.rows -= rows;
      this.#count(entry.priority, -rows);
      if (entry.rows > 0) continue;
      this.bytes -= entry.bytes;
      entry.state = 'running';
    }
    this.#evictIfEmpty(queue);
    return pieces;
  }

  choose(close: Close): Choice {
    return chooseQueue(this.#queues.values(), close);
  }

  /** Some entry that waits, or undefined when none does. */
  get some(): Entry | undefined {
    for (const queue of this.#queues.values()) return queue.head;
    return undefined;
  }

  #count(priority: number, rows: number): void {
    this.#rowsAt[priority] = (this.#rowsAt[priority] ?? 0) + rows;
  }

  #evictIfEmpty(queue: ShapeQueue): void {
    if (queue.head === undefined) this.#queues.delete(queue.key);
  }
}

/** Decides over one queue that has a head, for the moment when a worker is free. */
export type Close = (queue: ShapeQueue, head: Entry) => Closing;

/** Of the queues with a batch ready to go, the one with the most urgent head, then the one whose head came first. */
export function chooseQueue(queues: Iterable<ShapeQueue>, close: Close): Choice {
  let best: { readonly head: Entry; readonly queue: ShapeQueue; readonly rows: number } | undefined;
  let lookAgainAt = Number.POSITIVE_INFINITY;
  for (const queue of queues) {
    const { head } = queue;
    if (head === undefined || (best !== undefined && !precedes(head, best.head))) continue;
    const closing = close(queue, head);
    if (closing.kind === 'wait') lookAgainAt = Math.min(lookAgainAt, closing.until);
    else best = { head, queue, rows: closing.rows };
  }
  if (best !== undefined) return { kind: 'send', queue: best.queue, rows: best.rows };
  return lookAgainAt === Number.POSITIVE_INFINITY
    ? { kind: 'nothing' }
    : { kind: 'wait', until: lookAgainAt };
}

function precedes(a: Entry, b: Entry): boolean {
  return a.priority === b.priority ? a.submittedAt < b.submittedAt : a.priority < b.priority;
}
