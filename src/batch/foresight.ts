import { Alarm } from '../alarm.ts';
import type { GatewayError } from '../errors.ts';
import type { Executor, Inference, Slot } from '../inference.ts';
import { refusedAsHopeless } from './admission.ts';
import { limitRows } from './auto-closing.ts';
import type { Backlog } from './backlog.ts';
import type { BatchEnd } from './batch-runner.ts';
import { type BatcherOptions, closingRuleOf } from './batcher-options.ts';
import type { ClosedBatch } from './closed-batch.ts';
import type { Entry } from './entry.ts';
import type { LatencyPoint } from './latency-points.ts';
import { type Learned, LearnedLatencies } from './learned-latencies.ts';
import { hopelessForMs, possibleRowsPerMs, predictedMs } from './prediction.ts';
import { couldBeRefused, PredictionError } from './prediction-error.ts';
import { sendAheadPays } from './send-ahead.ts';
import type { ShapeQueue } from './shape-queue.ts';
import { UnderWay } from './under-way.ts';
import { UrgentArrivals } from './urgent-arrivals.ts';
import { WorkRate } from './work-rate.ts';

/** What one kind of instance was learned to take for one signature. */
export interface LearnedView {
  readonly kind: string;
  readonly signature: string;
  /** Rows that wait together go together up to here; a row costs next to the least from here, and the least there. */
  readonly togetherRows: number;
  readonly kneeRows: number;
  readonly bestRows: number;
  readonly arrivalsPerSecond: number;
  readonly sizes: readonly LatencyPoint[];
}

/** How exact timers are: they are set for so much earlier, and with less to go the loop comes by by itself. */
const TIMER_MS = 1;

/** A batch that should have ended so long ago hangs, or its worker does: ten times what a busy machine adds. */
const OVERDUE_MS = 250;

/**
 * What one version's batcher foresees: how long a batch takes, when those under way end, and so whom it cannot serve
 * in time and when the next batch is to leave. It learns from every batch that ran; it decides nothing about queues.
 */
export class Foresight {
  readonly #options: BatcherOptions;
  readonly #executor: Executor;
  readonly #backlog: Backlog;
  readonly #latencies: LearnedLatencies;
  readonly #underWay = new UnderWay();
  readonly #rate: WorkRate;
  readonly #aheadAlarm: Alarm;
  /** By priority: the less urgent, the less can be foreseen. */
  readonly #errors: PredictionError[] = [];
  /** Undefined where all are as urgent. */
  readonly #urgent: UrgentArrivals | undefined;
  /** Of the request that was let in last, ms; 0: none was needed. */
  predictedMs = 0;
  #kind = 'cpu';
  #sentAt = Number.NEGATIVE_INFINITY;

  constructor(options: BatcherOptions, executor: Executor, backlog: Backlog) {
    const { measured, allowedBatchSizes, now } = options;
    const { maxRows } = closingRuleOf(options);
    this.#options = options;
    this.#executor = executor;
    this.#backlog = backlog;
    this.#latencies = new LearnedLatencies({ measured, maxRows, sizes: allowedBatchSizes });
    this.#rate = new WorkRate(now());
    this.#urgent =
      (options.priorityLevels ?? 1) > 1 ? new UrgentArrivals(options.priorityLevels ?? 1, now()) : undefined;
    this.#aheadAlarm = new Alarm(now, () => this.sendAhead(now() + TIMER_MS));
  }

  /** When the last batch left, ms. */
  get sentAt(): number {
    return this.#sentAt;
  }

  of(signature: string, kind: string, now: number): Learned {
    return this.#latencies.of(signature, kind, now);
  }

  /**
   * A batch of `queue` leaves, of signature `key`: the queue's, unless others joined it; `again` of rows that left it
   * before. Returns what is to be called when it has ended.
   */
  sent(
    slot: Slot,
    queue: ShapeQueue,
    key: string,
    batch: ClosedBatch,
    now: number,
    again = false,
  ): (end: BatchEnd) => void {
    this.#kind = slot.kind;
    this.#sentAt = now;
    this.of(queue.key, slot.kind, now).arrivals.add(queue.arrived, now);
    queue.arrived = 0;
    const learned = this.#latencies.use(key, slot.kind, now);
    this.#rate.sent(again ? 0 : batch.rows, now);
    const rows = batch.rows + batch.padding;
    const expected = learned.expect(rows);
    batch.usualMs = learned.usualMs(expected);
    const sent = this.#underWay.add(slot, expected, now);
    const wasBehind = sent.behind;
    return ({ inferMs, roundTripMs, at }) => {
      this.#underWay.end(sent, at);
      if (inferMs === undefined) return;
      learned.learn({ rows, inferMs, overheadMs: wasBehind ? undefined : roundTripMs - inferMs });
    };
  }

  /** What 95 of 100 batches of so many rows take at most, ms; undefined: not known. */
  usualMs(key: string, rows: number, now: number): number | undefined {
    const learned = this.of(key, this.#kind, now);
    return learned.usualMs(learned.expect(rows));
  }

  /** Gives on the seat of the batch that ends next, if it is time and pays; otherwise sees to it that it is looked at in time. */
  sendAhead(now: number): void {
    if (!this.#options.sendsAhead || this.#backlog.rows === 0) return;
    const { nextAt } = this.#underWay;
    if (nextAt === Number.POSITIVE_INFINITY) return;
    if (now < nextAt) {
      if (nextAt - now >= TIMER_MS) this.#aheadAlarm.setFor(nextAt - TIMER_MS);
      return;
    }
    const { nextExpected } = this.#underWay;
    if (nextExpected === undefined) return;
    const { economy, arrivals } = this.of(this.#backlog.some?.queue.key ?? '', this.#kind, now);
    const arrivalsPerMs = arrivals.rowsPerMs(now);
    const { total } = this.#executor.capacity();
    const limit = limitRows({ rows: Number.POSITIVE_INFINITY, economy, arrivalsPerMs, total });
    if (sendAheadPays(this.#backlog.rows, limit, nextExpected)) this.#underWay.yieldNext();
  }

  /** One more waits. */
  arrived({ rows, priority }: Entry, now: number): void {
    this.#urgent?.add(rows, priority, now);
  }

  /**
   * The refusal of a request that could not be answered in time; undefined: it can. With nothing waiting it always
   * may: what was learned must be put to the test again.
   */
  hopeless({ rows, deadline, priority }: Inference, key: string, now: number): GatewayError | undefined {
    const waitingRows = this.#backlog.rowsBefore(priority);
    this.predictedMs = 0;
    if (this.#backlog.rows === 0) this.#rate.rests(now);
    else this.#rate.waits(this.#standsStillSince(now), now);
    if (waitingRows === 0) return undefined;
    const { economy, points, isProven } = this.of(key, this.#kind, now);
    if (!isProven || waitingRows < economy.kneeRows) return undefined;
    const { free, total } = this.#executor.capacity();
    const soonestMs = this.#underWay.soonestMs(now);
    const possible = possibleRowsPerMs(points, economy.kneeRows, total);
    const allPerMs = this.#rate.rowsPerMs(total, possible, now);
    const overtakingPerMs = this.#urgent?.overtakingPerMs(priority, now) ?? 0;
    const outlook = { waitingRows, rows, free, soonestMs, allPerMs, overtakingPerMs, points, economy };
    this.predictedMs = predictedMs(outlook);
    const retryMs = hopelessForMs(this.predictedMs, (deadline - now) / this.#errorOf(priority).factorAt(now));
    return retryMs === undefined ? undefined : refusedAsHopeless(this.#options.model, retryMs);
  }

  /** A queue's first request when it could not be answered in time though it went now and alone; the last of a queue is always tried. */
  hopelessHead({ head, key }: ShapeQueue, kind: string, now: number): Entry | undefined {
    if (head?.next === undefined || head.deadline === Number.POSITIVE_INFINITY) return undefined;
    const learned = this.of(key, kind, now);
    const expected = learned.isProven ? learned.expect(1) : undefined;
    if (expected === undefined) return undefined;
    return now + expected.runMs + expected.overheadMs > head.deadline ? head : undefined;
  }

  /** An entry that was let in with a prediction has been answered, perhaps after its deadline but before anybody looked. */
  answered(entry: Entry, now: number): void {
    if (now > entry.deadline) this.late(entry, now);
    else if (this.#teaches(entry)) {
      this.#errorOf(entry.priority).inTime(entry.predictedMs, entry.submittedAt, now);
    }
  }

  /** An entry has failed for its deadline. */
  late(entry: Entry, now: number): void {
    if (this.#teaches(entry)) {
      this.#errorOf(entry.priority).late(entry.predictedMs, entry.submittedAt, now);
    }
  }

  /** Not one that waited while nothing was run, which nobody foresees. */
  #teaches({ predictedMs, submittedAt, deadline }: Entry): boolean {
    return couldBeRefused(predictedMs, deadline - submittedAt) && !this.#rate.stoodSince(submittedAt);
  }

  #errorOf(priority: number): PredictionError {
    let error = this.#errors[priority];
    if (error === undefined) {
      error = new PredictionError();
      this.#errors[priority] = error;
    }
    return error;
  }

  /** Undefined: it does not. */
  #standsStillSince(now: number): number | undefined {
    return (
      this.#underWay.overdueSince(OVERDUE_MS, now) ??
      (this.#executor.capacity().total === 0 ? now : undefined)
    );
  }

  /** When a caller refused now may try again, ms. */
  retryAfterMs(now: number): number {
    return this.#rate.retryAfterMs(this.#backlog.rows, now);
  }

  /** Nothing waits any more. */
  rest(): void {
    this.#aheadAlarm.clear();
    this.#rate.ends();
  }

  view(most: number): LearnedView[] {
    const now = this.#options.now();
    return [...this.#latencies].slice(-most).map(({ kind, signature, economy, arrivals, points }) => ({
      kind,
      signature,
      togetherRows: economy.togetherRows,
      kneeRows: economy.kneeRows,
      bestRows: economy.bestRows,
      arrivalsPerSecond: arrivals.rowsPerMs(now) * 1000,
      sizes: points,
    }));
  }
}
