/** What a run of so many rows of such a length takes, learned from the runs there were. */
import { LocalPlane } from './local-plane.ts';

/** Two cells to a doubling of either size: enough for a plane between them, few enough to be filled. */
const CELLS_PER_OCTAVE = 2;
const MAX_CELLS = 128;
/** Runs after which what a cell knew is no longer believed: the machine, the load or the instances may have changed. */
const STALE_RUNS = 4096;
/** A cell's mean is over about as many of its last runs. */
const MEMORY_RUNS = 16;
/** A cost is estimated when a cell lies within this factor of the question, in rows and in elements a row. */
const REACH_LOG2 = Math.log2(1.5);

interface Cell {
  /** Means over its runs. */
  rowsLog2: number;
  elementsLog2: number;
  ms: number;
  runs: number;
  /** Of the last of its runs, counted over all cells. */
  seenAt: number;
}

/**
 * A table of mean engine times by rows and elements a row, at most 128 cells, the stalest leaving first. Between cells
 * a plane is fitted to those near the question: time = fixed + a × rows + b × elements. An estimate takes 2 µs.
 */
export class PaddingCosts {
  readonly #cells = new Map<number, Cell>();
  readonly #plane = new LocalPlane();
  #runs = 0;

  /** Notes one run's time in the engine, ms. */
  add(rows: number, elementsPerRow: number, ms: number): void {
    if (elementsPerRow === 0 || !(ms > 0)) return;
    const rowsLog2 = Math.log2(rows);
    const elementsLog2 = Math.log2(elementsPerRow);
    const cell = this.#cellAt(rowsLog2, elementsLog2);
    cell.runs++;
    cell.seenAt = ++this.#runs;
    // One run held up by the machine must not make a size look dear for long.
    const believedMs = cell.runs > 3 ? Math.min(ms, 2 * cell.ms) : ms;
    const share = 1 / Math.min(cell.runs, MEMORY_RUNS);
    cell.rowsLog2 += (rowsLog2 - cell.rowsLog2) * share;
    cell.elementsLog2 += (elementsLog2 - cell.elementsLog2) * share;
    cell.ms += (believedMs - cell.ms) * share;
  }

  /** Mean ms in the engine; undefined where nothing near was seen. */
  estimate(rows: number, elementsPerRow: number): number | undefined {
    const rowsLog2 = Math.log2(rows);
    const elementsLog2 = Math.log2(elementsPerRow);
    let isNear = false;
    this.#plane.clear();
    for (const cell of this.#cells.values()) {
      if (this.#runs - cell.seenAt >= STALE_RUNS) continue;
      const moreRows = cell.rowsLog2 - rowsLog2;
      const moreElements = cell.elementsLog2 - elementsLog2;
      isNear ||= Math.abs(moreRows) <= REACH_LOG2 && Math.abs(moreElements) <= REACH_LOG2;
      const certainty = Math.min(cell.runs, MEMORY_RUNS);
      this.#plane.add(2 ** moreRows, 2 ** (moreRows + moreElements), cell.ms, certainty);
    }
    return isNear ? Math.max(0, this.#plane.atOne()) : undefined;
  }

  #cellAt(rowsLog2: number, elementsLog2: number): Cell {
    const key = step(rowsLog2) * 2 ** 16 + step(elementsLog2);
    const known = this.#cells.get(key);
    if (known !== undefined) return known;
    if (this.#cells.size >= MAX_CELLS) this.#forgetStalest();
    const cell: Cell = { rowsLog2: 0, elementsLog2: 0, ms: 0, runs: 0, seenAt: 0 };
    this.#cells.set(key, cell);
    return cell;
  }

  #forgetStalest(): void {
    let stalest: number | undefined;
    let seenAt = Number.POSITIVE_INFINITY;
    for (const [key, cell] of this.#cells) {
      if (cell.seenAt >= seenAt) continue;
      stalest = key;
      seenAt = cell.seenAt;
    }
    if (stalest !== undefined) this.#cells.delete(stalest);
  }
}

function step(log2: number): number {
  return Math.round(log2 * CELLS_PER_OCTAVE);
}
