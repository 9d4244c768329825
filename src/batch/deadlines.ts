import { Alarm } from '../alarm.ts';
import { DeadlineHeap } from '../deadline-heap.ts';
import { GatewayError } from '../errors.ts';
import type { Entry } from './entry.ts';

/** Watches every request that has not settled, queued or running, with one timer for all of them. */
export class Deadlines {
  readonly #heap = new DeadlineHeap<Entry>();
  readonly #alarm: Alarm;
  readonly #fail: (entry: Entry, error: GatewayError) => void;

  /** `fail` must lead to `remove`; `onLate` is called after the timer has failed what was late. */
  constructor(now: () => number, fail: (entry: Entry, error: GatewayError) => void, onLate: () => void) {
    this.#fail = fail;
    this.#alarm = new Alarm(now, () => {
      this.failLate(now());
      onLate();
    });
  }

  add(entry: Entry): void {
    this.#heap.add(entry);
    this.#alarm.setFor(entry.deadline);
  }

  remove(entry: Entry): void {
    this.#heap.remove(entry);
  }

  /** Fails what is past its deadline and sets the timer for what comes next. */
  failLate(now: number): void {
    let entry = this.#heap.earliest;
    if (entry === undefined) return;
    // The same two errors for all: a thousand stack traces would stop the loop for milliseconds.
    let errors: { readonly queued: GatewayError; readonly running: GatewayError } | undefined;
    for (; entry !== undefined && entry.deadline <= now; entry = this.#heap.earliest) {
      errors ??= {
        queued: deadlineError('while the request was queued'),
        running: deadlineError('while the model was running'),
      };
      this.#fail(entry, entry.state === 'queued' ? errors.queued : errors.running);
    }
    if (entry !== undefined) this.#alarm.setFor(entry.deadline);
  }

  clear(): void {
    this.#alarm.clear();
  }
}

export function deadlineError(when: string): GatewayError {
  return new GatewayError('deadline', `the deadline passed ${when}`);
}
