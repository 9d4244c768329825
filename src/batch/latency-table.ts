import { type LatencyPoint, pointAt, rescaled } from './latency-points.ts';
import { LatencySamples } from './latency-samples.ts';
import { MachinePace } from './machine-pace.ts';

/** How long one batch size took when the version was loaded, with nothing else going on. */
export interface MeasuredSize {
  /** Of the instances it was measured on. */
  readonly kind: string;
  readonly rows: number;
  /** Of one row of each input; absent: any that is asked about. */
  readonly rowShapes?: readonly (readonly number[])[];
  /** Inside the engine, ms. */
  readonly inferMs: number;
  /** From being sent to being answered, ms. */
  readonly roundTripMs: number;
}

/** What one finished batch teaches. */
export interface Lesson {
  /** Rows run, padding included. */
  readonly rows: number;
  readonly inferMs: number;
  /** The round trip less the engine's time; undefined for a batch that waited behind another in the worker. */
  readonly overheadMs: number | undefined;
}

/** What is known of sizes that fall together: exact up to 8 rows, then four to the octave. */
interface Bucket {
  /** At the usual pace. */
  readonly run: LatencySamples;
  readonly overhead: LatencySamples;
  /** Mean size of its runs. */
  rows: number;
}

const EXACT_ROWS = 8;
const PER_OCTAVE = 4;
/** What was measured at load counts as much as so many live runs of a size; with rows of another shape it is a hint. */
const MEASURED_COUNTS = 4;
const HINT_COUNTS = 1;
/** Of a hint only sizes up to so many times the largest that ran count: batches grow step by step. */
const HINT_REACHES = 2;
/** Runs of a size after which they count beside what was measured at load. */
const TRUSTED_AFTER = 3;
/** The points are made anew after so many batches: that sorts some fifty numbers a size. */
const REFRESH_AFTER = 16;

/**
 * The latency of each batch size on one kind of instance, for inputs of one shape. It begins with what was measured
 * at load; sizes that have run since are known by their newest 50 runs, each freed of the machine's pace at its time.
 * The others keep what they took at load, times what the known ones take now beyond it. What was measured with rows of
 * another shape is only a hint: a picture twice as wide need not gain what the narrow one does from batches.
 */
export class LatencyTable {
  readonly #measured: readonly LatencyPoint[];
  readonly #isHint: boolean;
  readonly #buckets = new Map<number, Bucket>();
  readonly #pace = new MachinePace();
  #points: readonly LatencyPoint[] = [];
  #since = 0;
  /** Counts how often `points` changed. */
  revision = 0;

  constructor(measured: readonly MeasuredSize[], isHint = false) {
    this.#measured = merged(measured);
    this.#isHint = isHint;
    this.#refresh();
  }

  learn({ rows, inferMs, overheadMs }: Lesson): void {
    const bucket = this.#bucket(rows);
    bucket.rows += (rows - bucket.rows) / Math.min(50, bucket.run.count + 1);
    this.#addRun(bucket.run, inferMs);
    if (overheadMs !== undefined) bucket.overhead.add(Math.max(0, overheadMs));
    if (++this.#since >= REFRESH_AFTER || bucket.run.count <= TRUSTED_AFTER) this.#refresh();
  }

  /** Known sizes, ascending. */
  get points(): readonly LatencyPoint[] {
    return this.#points;
  }

  /** What `rows` rows should take; undefined when no size is known. */
  at(rows: number): LatencyPoint | undefined {
    return pointAt(this.#points, rows);
  }

  /** A size that has hardly run says nothing of the pace: it may take longer than it did at load for good. */
  #addRun(run: LatencySamples, inferMs: number): void {
    const { factor } = this.#pace;
    if (run.count >= TRUSTED_AFTER) this.#pace.note(inferMs, run.typicalMs * factor);
    run.add(inferMs / factor);
  }

  #bucket(rows: number): Bucket {
    const index =
      rows <= EXACT_ROWS ? rows : EXACT_ROWS + Math.ceil(PER_OCTAVE * Math.log2(rows / EXACT_ROWS));
    let bucket = this.#buckets.get(index);
    if (bucket === undefined) {
      bucket = { run: new LatencySamples(), overhead: new LatencySamples(), rows };
      this.#buckets.set(index, bucket);
    }
    return bucket;
  }

  #refresh(): void {
    this.#since = 0;
    this.revision++;
    const live = [...this.#buckets.values()]
      .filter(({ run }) => run.count >= TRUSTED_AFTER)
      .map(bucket => livePoint(bucket, this.#pace.factor))
      .sort((a, b) => a.rows - b.rows);
    const reach = this.#isHint ? HINT_REACHES * (live.at(-1)?.rows ?? 1) : Number.POSITIVE_INFINITY;
    const measured = this.#measured.filter(({ rows }) => rows <= reach);
    this.#points = rescaled(measured, live, this.#isHint ? HINT_COUNTS : MEASURED_COUNTS);
  }
}

function livePoint({ rows, run, overhead }: Bucket, pace: number): LatencyPoint {
  return {
    rows,
    runs: run.count,
    runMs: run.typicalMs * pace,
    upperMs: run.upperMs * pace,
    overheadMs: overhead.lowerMs,
    leastOverheadMs: overhead.lowerMs,
  };
}

/** Two groups of instances of one kind measure each size twice: the faster counts, as of several runs. */
function merged(measured: readonly MeasuredSize[]): readonly LatencyPoint[] {
  const byRows = new Map<number, LatencyPoint>();
  for (const size of measured) {
    const point = measuredPoint(size);
    const known = byRows.get(size.rows);
    if (known === undefined || point.runMs < known.runMs) byRows.set(size.rows, point);
  }
  return [...byRows.values()].sort((a, b) => a.rows - b.rows);
}

function measuredPoint({ rows, inferMs, roundTripMs }: MeasuredSize): LatencyPoint {
  const overheadMs = Math.max(0, roundTripMs - inferMs);
  return { rows, runs: 0, runMs: inferMs, upperMs: inferMs, overheadMs, leastOverheadMs: overheadMs };
}
