import { Alarm } from '../alarm.ts';
import { GatewayError } from '../errors.ts';
import type { Events } from '../events.ts';
import type { Executor, Inference, InferenceResult, SharedSubmission, Slot, Urgency } from '../inference.ts';
import { Backlog, type Choice } from './backlog.ts';
import { type BatchEnd, BatchRunner } from './batch-runner.ts';
import { type BatchSharing, sharingOf } from './batch-sharing.ts';
import { type BatcherOptions, queueKeyOf } from './batcher-options.ts';
import type { ClosedBatch } from './closed-batch.ts';
import { type Closer, closerOf } from './closer.ts';
import { Condemned, condemnedError } from './condemned.ts';
import { Deadlines, deadlineError } from './deadlines.ts';
import { Entrance } from './entrance.ts';
import { Entry, type EntryOwner, refused } from './entry.ts';
import { Foresight, type LearnedView } from './foresight.ts';
import { Hedging } from './hedging.ts';
import { inputHash } from './input-hash.ts';
import { bytesOf } from './request-rows.ts';
import { type Rerun, Reruns } from './reruns.ts';
import type { Piece, ShapeQueue } from './shape-queue.ts';

export type { BatcherOptions } from './batcher-options.ts';

type Life =
  | { readonly kind: 'open' }
  | { readonly kind: 'leaving'; readonly idle: PromiseWithResolvers<void> };

/** Inputs tried apart that wait at once: beyond it suspects run as usual. */
const MOST_TRIALS = 64;

/**
 * Runs the requests of one loaded version together. Requests wait in a queue per signature; while any of them could
 * go, exactly one slot is asked for; when it is granted, the most urgent queue's batch closes and runs. So batches
 * grow exactly while the workers are busy. How large a batch pays, and when the next may be sent ahead of the end of
 * one that runs, it learns from those that ran.
 *
 * It owns a request from `submit` until it settles: exactly once, with its rows of a result, or with the error of
 * its batch, its deadline, its caller or `close`. What was already sent to a worker runs to its end in any case.
 * Life: open, then leaving (`drain` or `close`), which accepts nothing and ends when nothing is queued or running.
 */
export class Batcher {
  readonly #options: BatcherOptions;
  readonly #executor: Executor;
  readonly #events: Events;
  readonly #runner: BatchRunner;
  readonly #keyOf: (inference: Inference) => string;
  readonly #backlog = new Backlog();
  readonly #reruns: Reruns;
  readonly #condemned = new Condemned();
  readonly #deadlines: Deadlines;
  readonly #delayAlarm: Alarm;
  readonly #foresight: Foresight;
  readonly #entrance: Entrance;
  readonly #closer: Closer;
  readonly #hedging: Hedging | undefined;
  /** Undefined where only requests of equal lengths share a batch. */
  readonly #sharing: BatchSharing | undefined;
  readonly #owner: EntryOwner = {
    cancel: (entry, error) => this.#cancel(entry, error),
    reschedule: (entry, urgency) => this.#reschedule(entry, urgency),
  };
  #life: Life = { kind: 'open' };
  /** Takes the request for a slot back; undefined while none is outstanding. */
  #withdraw: (() => void) | undefined;
  /** The same for a slot apart. */
  #withdrawApart: (() => void) | undefined;

  constructor(options: BatcherOptions, executor: Executor, events: Events) {
    const { now } = options;
    const failed = (entry: Entry, error: GatewayError): void => this.#fail(entry, error);
    const settleDown = (): void => this.#settleDown();
    const answered = (entry: Entry, result: InferenceResult): void => this.#answer(entry, result);
    this.#options = options;
    this.#executor = executor;
    this.#events = events;
    const rerun = (rows: Rerun): void => this.#runAgain(rows);
    const mayRetry = (): boolean => options.retryBudget.take(now());
    const condemned = (entry: Entry): void => this.#condemn(entry);
    const suspected = ({ inference }: Entry): void => this.#condemned.suspect(inputHash(inference), now());
    const acquitted = ({ inference }: Entry): void => {
      if (this.#condemned.hasSuspects(now())) this.#condemned.acquit(inputHash(inference));
    };
    this.#reruns = new Reruns(suspected);
    const observer = { answered, failed, mayRetry, rerun, condemned, suspected, acquitted };
    this.#runner = new BatchRunner(options, events, observer);
    this.#keyOf = queueKeyOf(options);
    this.#deadlines = new Deadlines(now, failed, settleDown);
    this.#delayAlarm = new Alarm(now, () => this.#seek(now()));
    this.#foresight = new Foresight(options, executor, this.#backlog);
    this.#entrance = new Entrance(options, {
      backlog: this.#backlog,
      foresight: this.#foresight,
      condemned: this.#condemned,
      evict: failed,
    });
    this.#closer = closerOf(options, executor, this.#foresight);
    this.#sharing = sharingOf(options, executor);
    this.#hedging = options.hedges ? new Hedging(executor, options) : undefined;
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

  /** What it has learned, for operators: of the signatures that ran last, `most` at most. */
  learned(most: number): readonly LearnedView[] {
    return this.#foresight.view(most);
  }

  /** Never throws: a refusal (`invalid`, `too-large`, `overloaded`, `unavailable`, `deadline`) is the result's rejection. */
  submit(inference: Inference): SharedSubmission {
    const now = this.#options.now();
    const key = this.#keyOf(inference);
    const bytes = bytesOf(inference);
    const refusal = this.#refusal(inference, key, bytes, now);
    if (refusal !== undefined) return refused(refusal);

    const queue = this.#backlog.queueFor(key);
    const splittable = inference.rows > 1 && inference.rows > this.#closer.wholeRows;
    const entry = new Entry(this.#owner, queue, inference, bytes, now, splittable);
    entry.predictedMs = this.#foresight.predictedMs;
    this.#backlog.add(entry);
    this.#foresight.arrived(entry, now);
    this.#deadlines.add(entry);
    if (this.#isSuspect(entry, now)) this.#tryApart(entry, now);
    this.#seek(now, queue);
    this.#foresight.sendAhead(now);
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
    for (const { entry } of this.#reruns.clear('apart')) this.#fail(entry, error);
    this.failQueued(error);
  }

  /** Fails those with rows still queued, or waiting to run again beside others; what runs, here or apart, is answered. */
  failQueued(error: GatewayError): void {
    for (let entry = this.#backlog.some; entry !== undefined; entry = this.#backlog.some) {
      this.#fail(entry, error);
    }
    for (const { entry } of this.#reruns.clear('anywhere')) this.#fail(entry, error);
    this.#settleDown();
  }

  #leave(): Promise<void> {
    if (this.#life.kind === 'open') {
      this.#life = { kind: 'leaving', idle: Promise.withResolvers<void>() };
      this.#closer.holdNothing();
    }
    return this.#life.idle.promise;
  }

  #refusal(inference: Inference, key: string, bytes: number, now: number): GatewayError | undefined {
    if (this.#life.kind === 'open') return this.#entrance.refusal(inference, key, bytes, now);
    const { model, version } = this.#options;
    const message = `model "${model}" version ${version} is being taken out of service`;
    return new GatewayError('unavailable', message, { retryAfterMs: 1000 });
  }

  /** Asks for a slot, unless one is asked for or everything is still held back. `changed`: the only queue that may be ready. */
  #seek(now: number, changed?: ShapeQueue): void {
    if (this.#withdraw !== undefined) return;
    if (this.#reruns.has('anywhere')) {
      this.#withdraw = this.#executor.acquire(this.#onSlot);
      return;
    }
    if (this.#backlog.rows === 0) return;
    const heldUntil = this.#closer.holds ? this.#closer.heldUntil(this.#backlog, now, changed) : undefined;
    if (heldUntil === undefined) this.#withdraw = this.#executor.acquire(this.#onSlot);
    else this.#delayAlarm.setFor(heldUntil);
  }

  readonly #onSlot = (slot: Slot): void => {
    this.#withdraw = undefined;
    const now = this.#options.now();
    this.#deadlines.failLate(now);
    const rerun = this.#reruns.take('anywhere');
    const choice = rerun === undefined ? this.#choose(slot.kind, now) : undefined;
    if (rerun !== undefined) this.#sendAgain(slot, rerun, now);
    else if (choice?.kind === 'send') this.#send(slot, choice.queue, choice.rows, now);
    else slot.release();
    this.#seek(now);
    this.#foresight.sendAhead(now);
    this.#settleDown();
  };

  #send(slot: Slot, queue: ShapeQueue, rows: number, now: number): void {
    const pieces = this.#backlog.take(queue, this.#sharing?.rowsWithin(queue, rows) ?? rows);
    const key = this.#sharing?.fill(pieces, queue, this.#backlog, slot.kind, now) ?? queue.key;
    const batch = this.#runner.closed(pieces, now);
    const seen = this.#foresight.sent(slot, queue, key, batch, now);
    this.#options.retryBudget.ran();
    const answered = this.#hedge(slot, batch, key);
    void this.#runner.run(slot, batch, key, end => {
      answered?.();
      seen(end);
      if (end.inferMs !== undefined) this.#sharing?.learn(batch, slot.kind, end.inferMs);
      this.#foresight.sendAhead(end.at);
      this.#settleDown();
    });
  }

  /** Returns what is to be called when the batch has ended. */
  #hedge(slot: Slot, batch: ClosedBatch, key: string): (() => void) | undefined {
    if (this.#hedging === undefined) return undefined;
    const { pieces } = batch;
    const hedge: Rerun = { pieces, where: 'anywhere', deaths: 0, misses: 0, key, isHedge: true };
    return this.#hedging.watch(slot, batch, other =>
      this.#runner.run(other, batch, key, () => this.#settleDown(), hedge),
    );
  }

  #sendAgain(slot: Slot, rerun: Rerun, now: number): void {
    const batch = this.#runner.closed(rerun.pieces, now);
    const { queue } = (rerun.pieces[0] as Piece).entry;
    const seen = this.#foresight.sent(slot, queue, rerun.key, batch, now, true);
    const ended = (end: BatchEnd): void => {
      seen(end);
      this.#settleDown();
    };
    void this.#runner.run(slot, batch, rerun.key, ended, rerun);
  }

  readonly #onSlotApart = (slot: Slot): void => {
    this.#withdrawApart = undefined;
    const now = this.#options.now();
    this.#deadlines.failLate(now);
    const rerun = this.#reruns.take('apart');
    if (rerun === undefined) slot.release();
    else {
      const batch = this.#runner.closed(rerun.pieces, now);
      batch.usualMs = rerun.usualMs;
      void this.#runner.run(slot, batch, rerun.key, () => this.#settleDown(), rerun);
    }
    this.#seekApart();
    this.#settleDown();
  };

  #seekApart(): void {
    if (this.#withdrawApart !== undefined || !this.#reruns.has('apart')) return;
    this.#withdrawApart = this.#executor.acquireApart(this.#onSlotApart);
  }

  #runAgain(rerun: Rerun): void {
    const outage = rerun.where === 'anywhere' ? this.#options.outage?.() : undefined;
    if (outage !== undefined) {
      for (const { entry } of rerun.pieces) this.#fail(entry, outage);
      return;
    }
    this.#reruns.add(rerun);
    this.#seek(this.#options.now());
    this.#seekApart();
  }

  #condemn(entry: Entry): void {
    const { model, version, now } = this.#options;
    this.#condemned.add(inputHash(entry.inference), now());
    this.#events.emit('input:condemned', { model, version });
    if (entry.state !== 'settled') this.#fail(entry, condemnedError());
  }

  /** One that is larger than a batch cannot run at once. */
  #isSuspect({ inference }: Entry, now: number): boolean {
    if (!this.#condemned.hasSuspects(now) || this.#reruns.count('apart') >= MOST_TRIALS) return false;
    if (inference.rows > Math.max(1, this.#options.maxBatchSize)) return false;
    return this.#condemned.tries(inputHash(inference), now);
  }

  /** It runs alone from the start, as a worker died under the same input before; a first run costs no budget. */
  #tryApart(entry: Entry, now: number): void {
    const { rows } = entry;
    const { key } = entry.queue;
    const usualMs = this.#foresight.usualMs(key, rows, now);
    this.#backlog.remove(entry);
    entry.state = 'running';
    const pieces = [{ entry, from: 0, rows }];
    this.#reruns.add({ pieces, where: 'apart', deaths: 1, misses: 0, key, usualMs });
    this.#seekApart();
  }

  /** The next batch, after letting go what no worker could answer in time any more: it would only make others late. */
  #choose(kind: string, now: number): Choice {
    const close = this.#closer.at(now, kind);
    let error: GatewayError | undefined;
    for (;;) {
      const choice = this.#backlog.choose(close);
      const late = choice.kind === 'send' ? this.#foresight.hopelessHead(choice.queue, kind, now) : undefined;
      if (late === undefined) return choice;
      error ??= deadlineError('would have passed before a worker could answer');
      this.#fail(late, error);
    }
  }

  #cancel(entry: Entry, error: GatewayError): void {
    if (entry.state === 'settled') return;
    this.#fail(entry, error);
    this.#settleDown();
  }

  #reschedule(entry: Entry, { deadline, keepUntil, priority }: Urgency): void {
    if (entry.state === 'settled') return;
    this.#deadlines.remove(entry);
    entry.wantedBy = deadline;
    entry.deadline = keepUntil;
    this.#deadlines.add(entry);
    if (entry.state === 'queued' && priority !== entry.priority) this.#backlog.move(entry, priority);
    this.#closer.hurried(entry.queue);
    this.#seek(this.#options.now(), entry.queue);
  }

  #answer(entry: Entry, result: InferenceResult): void {
    this.#deadlines.remove(entry);
    if (entry.predictedMs > 0) this.#foresight.answered(entry, this.#options.now());
    entry.answer(result);
  }

  #fail(entry: Entry, error: GatewayError): void {
    if (error.code === 'deadline') this.#foresight.late(entry, this.#options.now());
    this.#backlog.remove(entry);
    this.#deadlines.remove(entry);
    entry.fail(error);
  }

  /** After anything has left: wants no slot and no timer for an empty queue, and may be the end of a drain. */
  #settleDown(): void {
    this.#reruns.prune();
    if (!this.#reruns.has('apart')) {
      this.#withdrawApart?.();
      this.#withdrawApart = undefined;
    }
    if (this.#backlog.rows > 0 || this.#reruns.has('anywhere')) return;
    this.#withdraw?.();
    this.#withdraw = undefined;
    this.#delayAlarm.clear();
    this.#foresight.rest();
    if (this.#reruns.has('apart')) return;
    if (this.#life.kind === 'open' || this.#runner.running > 0) return;
    this.#deadlines.clear();
    this.#life.idle.resolve();
  }
}
