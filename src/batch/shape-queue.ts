import { MAX_PASSED_OVER, rowsThatFit } from './closing.ts';
import type { Entry } from './entry.ts';

/** Some rows of one request that run together; usually all of them. */
export interface Piece {
  readonly entry: Entry;
  /** First of its rows, among the request's. */
  readonly from: number;
  readonly rows: number;
}

/**
 * The requests that may share a batch, most urgent first, in order of arrival among equals. A linked list, so that
 * taking, cancelling and expiring cost the same at either end and in the middle.
 */
export class ShapeQueue {
  readonly key: string;
  /** Rows that came, since whoever counts arrivals last set it to 0. */
  arrived = 0;
  #rows = 0;
  #head: Entry | undefined;
  #tail: Entry | undefined;

  constructor(key: string) {
    this.key = key;
  }

  /** Rows waiting. */
  get rows(): number {
    return this.#rows;
  }

  get head(): Entry | undefined {
    return this.#head;
  }

  get tail(): Entry | undefined {
    return this.#tail;
  }

  add(entry: Entry): void {
    this.arrived += entry.rows;
    this.#rows += entry.rows;
    this.#insert(entry, this.#lastBefore(entry.priority));
  }

  /** To where an arrival of this priority goes. */
  move(entry: Entry, priority: number): void {
    this.#unlink(entry);
    entry.priority = priority;
    this.#insert(entry, this.#lastBefore(priority));
  }

  remove(entry: Entry): void {
    this.#rows -= entry.rows;
    this.#unlink(entry);
  }

  #unlink(entry: Entry): void {
    if (entry.previous === undefined) this.#head = entry.next;
    else entry.previous.next = entry.next;
    if (entry.next === undefined) this.#tail = entry.previous;
    else entry.next.previous = entry.previous;
    entry.previous = undefined;
    entry.next = undefined;
  }

  /** Takes up to `rows` rows from the head on, passing over what does not fit; all that is sent of an entry leaves the list. */
  take(rows: number): Piece[] {
    const pieces: Piece[] = [];
    let room = rows;
    let passedOver = 0;
    let entry = this.#head;
    while (entry !== undefined && room > 0 && passedOver <= MAX_PASSED_OVER) {
      const next: Entry | undefined = entry.next;
      const fit = rowsThatFit(entry, room);
      if (fit === 0) passedOver++;
      else {
        pieces.push({ entry, from: entry.inference.rows - entry.rows, rows: fit });
        room -= fit;
        entry.take(fit);
        this.#rows -= fit;
        if (entry.rows === 0) this.remove(entry);
      }
      entry = next;
    }
    return pieces;
  }

  /** Where an arrival of this priority goes: at the tail, or behind the urgent ones, which are few because they leave first. */
  #lastBefore(priority: number): Entry | undefined {
    if (this.#tail === undefined || this.#tail.priority <= priority) return this.#tail;
    let last: Entry | undefined;
    for (let entry = this.#head; entry !== undefined && entry.priority <= priority; entry = entry.next) {
      last = entry;
    }
    return last;
  }

  #insert(entry: Entry, after: Entry | undefined): void {
    const before = after === undefined ? this.#head : after.next;
    entry.previous = after;
    entry.next = before;
    if (after === undefined) this.#head = entry;
    else after.next = entry;
    if (before === undefined) this.#tail = entry;
    else before.previous = entry;
  }
}
