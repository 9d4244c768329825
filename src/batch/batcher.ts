import { GatewayError } from '../errors.ts';
import type { Events } from '../events.ts';
import type { Executor, Inference, InferenceResult, Slot, Submission } from '../inference.ts';
import { admit, refusalOf } from './admission.ts';
import { Alarm } from './alarm.ts';
import { Backlog } from './backlog.ts';
import { BatchRunner } from './batch-runner.ts';
import { type BatcherOptions, closingRuleOf, queueKeyOf } from './batcher-options.ts';
import { type ClosingRule, closeBatch, leastRows } from './closing.ts';
import { Deadlines, deadlineError } from './deadlines.ts';
import { DrainRate, retryAfterMs } from './drain-rate.ts';
import { Entry, type EntryOwner, refused } from './entry.ts';
import { Reassembly } from './reassembly.ts';
import { bytesOf, rowsError } from './request-rows.ts';
import type { ShapeQueue } from './shape-queue.ts';

export type { BatcherOptions } from './batcher-options.ts';

type Life =
  | { readonly kind: 'open' }
  | { readonly kind: 'leaving'; readonly idle: PromiseWithResolvers<void> };

/**
 * Runs the requests of one loaded version together. Requests wait in a queue per signature; while any of them could
 * go, exactly one slot is asked for; when it is granted, the most urgent queue's largest batch closes and runs. So
 * batches grow exactly while the workers are busy, and no timer is involved unless `maxQueueDelayMs` is set.
 *
 * It owns a request from `submit` until it settles: exactly once, with its rows of a result, or with the error of
 * its batch, its deadline, its caller or `close`. What was already sent to a worker runs to its end in any case.
 * Life: open, then leaving (`drain` or `close`), which accepts nothing and ends when nothing is queued or running.
 */
export class Batcher {
  readonly #options: BatcherOptions;
  readonly #executor: Executor;
  readonly #runner: BatchRunner;
  readonly #keyOf: (inference: Inference) => string;
  readonly #backlog = new Backlog();
  readonly #deadlines: Deadlines;
  readonly #delayAlarm: Alarm;
  readonly #drainRate: DrainRate;
  readonly #owner: EntryOwner = { cancel: (entry, error) => this.#cancel(entry, error) };
  #rule: ClosingRule;
  #life: Life = { kind: 'open' };
  /** Takes the request for a slot back; undefined while none is outstanding. */
  #withdraw: (() => void) | undefined;

  constructor(options: BatcherOptions, executor: Executor, events: Events) {
    const { now } = options;
    const failed = (entry: Entry, error: GatewayError): void => this.#fail(entry, error);
    const settleDown = (): void => this.#settleDown();
    const answered = (entry: Entry, result: InferenceResult): void => this.#answer(entry, result);
    this.#options = options;
    this.#executor = executor;
    this.#runner = new BatchRunner(options, events, { answered, failed, ended: settleDown });
    this.#keyOf = queueKeyOf(options);
    this.#deadlines = new Deadlines(now, failed, settleDown);
    this.#delayAlarm = new Alarm(now, () => this.#seek(now()));
    this.#drainRate = new DrainRate(now());
    this.#rule = closingRuleOf(options);
  }

  /** Rows not yet sent to a worker. */
  get queuedRows(): number {
    return this.#backlog.rows;
  }

  /** Bytes of the inputs of requests with rows not yet sent. */
  get queuedBytes(): number {
    return this.#backlog.bytes;
  }

  /** Batches sent to a worker and not yet answered. */
  get runningBatches(): number {
    return this.#runner.running;
  }

  /** Never throws: a refusal (`invalid`, `too-large`, `overloaded`, `unavailable`, `deadline`) is the result's rejection. */
  submit(inference: Inference): Submission {
    const now = this.#options.now();
    const key = this.#keyOf(inference);
    const bytes = bytesOf(inference);
    const refusal = this.#refusal(inference, key, bytes, now);
    if (refusal !== undefined) return refused(refusal);

    const queue = this.#backlog.queueFor(key);
    const reassembly = inference.rows > this.#rule.maxRows ? new Reassembly(inference.rows) : undefined;
    const entry = new Entry(this.#owner, queue, inference, bytes, now, reassembly);
    this.#backlog.add(entry);
    this.#deadlines.add(entry);
    this.#seek(now, queue);
    return entry;
  }

  /** Refuses new requests with `unavailable`; resolves when nothing is queued or running. Nothing is held back any more. */
  drain(): Promise<void> {
    const idle = this.#leave();
    this.#seek(this.#options.now());
    this.#settleDown();
    return idle;
  }

  /** Refuses new requests and fails those with rows still queued; what runs is answered. */
  close(error: GatewayError): void {
    void this.#leave();
    for (let entry = this.#backlog.some; entry !== undefined; entry = this.#backlog.some) {
      this.#fail(entry, error);
    }
    this.#settleDown();
  }

  #leave(): Promise<void> {
    if (this.#life.kind === 'open') {
      this.#life = { kind: 'leaving', idle: Promise.withResolvers<void>() };
      this.#rule = { ...this.#rule, delayMs: 0 };
    }
    return this.#life.idle.promise;
  }

  #refusal(inference: Inference, key: string, bytes: number, now: number): GatewayError | undefined {
    const { model, version } = this.#options;
    if (this.#life.kind !== 'open') {
      const message = `model "${model}" version ${version} is being taken out of service`;
      return new GatewayError('unavailable', message, { retryAfterMs: 1000 });
    }
    const misfit = rowsError(inference, this.#options.maxBatchSize > 0);
    if (misfit !== undefined) return misfit;
    if (inference.deadline <= now) return deadlineError('before the request was queued');
    const hasNewSignature = !this.#backlog.has(key);
    const admission = admit(this.#backlog, { rows: inference.rows, bytes, hasNewSignature }, this.#options);
    if (admission === 'admitted') return undefined;
    const retryMs = retryAfterMs(this.#backlog.rows, this.#drainRate.rowsPerMs(now));
    return refusalOf(admission, model, this.#options, retryMs);
  }

  /** Asks for a slot, unless one is asked for or everything is still held back. `changed`: the only queue that may be ready. */
  #seek(now: number, changed?: ShapeQueue): void {
    if (this.#withdraw !== undefined || this.#backlog.rows === 0) return;
    const heldUntil = this.#rule.delayMs > 0 ? this.#heldUntil(now, changed) : undefined;
    if (heldUntil === undefined) this.#withdraw = this.#executor.acquire(this.#onSlot);
    else this.#delayAlarm.setFor(heldUntil);
  }

  /** When something that is held back may go, ms; undefined: now. A queue too small to go is not looked through, which took 2.0 µs a request at 64 where this takes 0.8. */
  #heldUntil(now: number, changed: ShapeQueue | undefined): number | undefined {
    const rule = this.#rule;
    if (changed !== undefined && changed.rows < leastRows(rule)) return now + rule.delayMs;
    const next = changed?.head ? closeBatch(changed.head, rule, now) : this.#backlog.choose(rule, now);
    return next.kind === 'wait' ? next.until : undefined;
  }

  readonly #onSlot = (slot: Slot): void => {
    this.#withdraw = undefined;
    const now = this.#options.now();
    this.#deadlines.failLate(now);
    const choice = this.#backlog.choose(this.#rule, now);
    if (choice.kind === 'send') {
      const waiting = this.#backlog.rows;
      const pieces = this.#backlog.take(choice.queue, choice.rows);
      this.#drainRate.add(waiting - this.#backlog.rows, now);
      void this.#runner.run(slot, pieces, now);
    } else {
      slot.release();
    }
    this.#seek(now);
    this.#settleDown();
  };

  #cancel(entry: Entry, error: GatewayError): void {
    if (entry.state === 'settled') return;
    this.#fail(entry, error);
    this.#settleDown();
  }

  #answer(entry: Entry, result: InferenceResult): void {
    this.#deadlines.remove(entry);
    entry.answer(result);
  }

  #fail(entry: Entry, error: GatewayError): void {
    this.#backlog.remove(entry);
    this.#deadlines.remove(entry);
    entry.fail(error);
  }

  /** After anything has left: wants no slot and no timer for an empty queue, and may be the end of a drain. */
  #settleDown(): void {
    if (this.#backlog.rows > 0) return;
    this.#withdraw?.();
    this.#withdraw = undefined;
    this.#delayAlarm.clear();
    if (this.#life.kind === 'open' || this.#runner.running > 0) return;
    this.#deadlines.clear();
    this.#life.idle.resolve();
  }
}
