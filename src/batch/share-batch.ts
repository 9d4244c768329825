/** Whether requests of other lengths join a batch, padded, or run apart: by what each would cost. A pure decision. */

/** Requests of nearly the same lengths that wait together. */
export interface LengthGroup {
  /** Along each padded axis, of its longest. */
  readonly lengths: readonly number[];
  /** Rows waiting; of the group the batch begins with, those it has. */
  readonly rows: number;
}

export interface SharingTerms {
  /** Rows of the largest batch. */
  readonly maxRows: number;
  /** Elements of all its rows together. */
  readonly maxElements: number;
  /** Along each padded axis: no row becomes so many times as long as it is, or more. */
  readonly maxTimes: readonly number[];
  /** The longest a run may take, ms, for the earliest deadline to hold. */
  readonly withinMs: number;
  /** Elements of one row of such lengths. */
  elementsOf(lengths: readonly number[]): number;
  /** ms a run takes in the engine; undefined: not known. */
  costOf(rows: number, elementsPerRow: number): number | undefined;
}

/** Costs are estimates: a shared run must save more than this share of the time. */
const MARGIN = 0.05;
/** Of the elements of a run whose cost is not known, at most so many may be added padding: trying it costs no more. */
const MOST_UNMEASURED = 1 / 8;
/** However much it saves, no batch is more than three quarters added padding: its bytes stay a multiple of the callers'. */
const MOST_ADDED = 3 / 4;
/** Groups looked at, those that add the least padding first. */
const MAX_CANDIDATES = 8;

interface Batch extends LengthGroup {
  /** Along each padded axis, of the group with the shortest. */
  readonly shortest: readonly number[];
}

interface Joined {
  readonly lengths: readonly number[];
  readonly shortest: readonly number[];
  readonly elements: number;
  /** Of one row of the candidate alone. */
  readonly ownElements: number;
  readonly rows: number;
}

/**
 * How many rows of each of `others` ride in the head's batch, in their order; 0: they run apart. A group joins when
 * the shared run takes less time than the runs apart, or, where that is not known, when hardly any padding is added.
 *
 * `bench:padding`, rows/s against a queue for each exact length: token model 3.0 times; recogniser 1.09 times, where
 * sharing whatever the cost made it 0.65.
 */
export function shareBatch(head: LengthGroup, others: readonly LengthGroup[], terms: SharingTerms): number[] {
  const joining = new Array<number>(others.length).fill(0);
  let batch: Batch = { ...head, shortest: head.lengths };
  for (const index of nearest(head, others, terms)) {
    if (batch.rows >= terms.maxRows) break;
    const other = others[index] as LengthGroup;
    const joined = join(batch, other, terms);
    if (!pays(batch, other, joined, terms)) continue;
    joining[index] = joined.rows;
    const { lengths, shortest } = joined;
    batch = { lengths, shortest, rows: batch.rows + joined.rows };
  }
  return joining;
}

/** Indices of the groups worth a look, by the padding that joining would add to a row of either. */
function nearest(head: LengthGroup, others: readonly LengthGroup[], terms: SharingTerms): number[] {
  const own = terms.elementsOf(head.lengths);
  const added = others.map(({ lengths }) => {
    const together = terms.elementsOf(longest(head.lengths, lengths));
    return 2 * together - own - terms.elementsOf(lengths);
  });
  const order = others.map((_, index) => index).sort((a, b) => (added[a] as number) - (added[b] as number));
  return order.slice(0, MAX_CANDIDATES);
}

function join(batch: Batch, other: LengthGroup, terms: SharingTerms): Joined {
  const { maxRows, maxElements, elementsOf } = terms;
  const lengths = longest(batch.lengths, other.lengths);
  const elements = elementsOf(lengths);
  const room = Math.min(maxRows, Math.floor(maxElements / elements)) - batch.rows;
  return {
    lengths,
    shortest: batch.shortest.map((length, axis) => Math.min(length, other.lengths[axis] as number)),
    elements,
    ownElements: elementsOf(other.lengths),
    rows: Math.max(0, Math.min(other.rows, room)),
  };
}

function pays(batch: Batch, other: LengthGroup, joined: Joined, terms: SharingTerms): boolean {
  const { costOf, elementsOf, withinMs } = terms;
  const batchElements = elementsOf(batch.lengths);
  const rows = batch.rows + joined.rows;
  const added =
    1 - (batch.rows * batchElements + joined.rows * joined.ownElements) / (rows * joined.elements);
  // Nothing in it, nothing to compare.
  if (!(added <= MOST_ADDED) || !(joined.rows > 0) || growsTooMuch(joined, terms)) return false;
  const together = costOf(rows, joined.elements);
  const first = costOf(batch.rows, batchElements);
  const second = costOf(other.rows, joined.ownElements);
  const left = other.rows - joined.rows;
  const rest = left === 0 ? 0 : costOf(left, joined.ownElements);
  if (together === undefined || first === undefined || second === undefined || rest === undefined) {
    return added <= MOST_UNMEASURED && (together === undefined || together <= withinMs);
  }
  return together <= withinMs && together + rest < (first + second) * (1 - MARGIN);
}

function growsTooMuch({ lengths, shortest }: Joined, { maxTimes }: SharingTerms): boolean {
  return lengths.some((length, axis) => length > (shortest[axis] as number) * (maxTimes[axis] as number));
}

function longest(a: readonly number[], b: readonly number[]): number[] {
  return a.map((length, index) => Math.max(length, b[index] as number));
}
