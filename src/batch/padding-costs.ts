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
/** Cells eight times as large, or a cell of an eighth, say nothing about the plane here: they weighed a hundredth. */
const TOO_FAR = 10;

interface Cell {
  /** Means over its runs. */
  rows: number;
  elementsPerRow: number;
  ms: number;
  /** Of the means, so that an estimate need not take logarithms. */
  rowsLog2: number;
  elementsLog2: number;
  runs: number;
  /** Of the last of its runs, counted over all cells. */
  seenAt: number;
}

/**
 * A table of mean engine times by rows and elements a row, at most 128 cells, the stalest leaving first. Between cells
 * a plane is fitted to those near the question: time = fixed + a × rows + b × elements. With all of them an estimate
 * takes 2.5 µs.
 */
export class PaddingCosts {
  readonly #cells = new Map<number, Cell>();
  readonly #plane = new LocalPlane();
  #runs = 0;

  /** Notes one run's time in the engine, ms. */
  add(rows: number, elementsPerRow: number, ms: number): void {
    if (elementsPerRow === 0 || !(ms > 0)) return;
    const cell = this.#cellAt(rows, elementsPerRow);
    cell.runs++;
    cell.seenAt = ++this.#runs;
    // One run held up by the machine must not make a size look dear for long.
    const believedMs = cell.runs > 3 ? Math.min(ms, 2 * cell.ms) : ms;
    const share = 1 / Math.min(cell.runs, MEMORY_RUNS);
    cell.rows += (rows - cell.rows) * share;
    cell.elementsPerRow += (elementsPerRow - cell.elementsPerRow) * share;
    cell.ms += (believedMs - cell.ms) * share;
    cell.rowsLog2 = Math.log2(cell.rows);
    cell.elementsLog2 = Math.log2(cell.elementsPerRow);
  }

  /** Mean ms in the engine; undefined where nothing near was seen. */
  estimate(rows: number, elementsPerRow: number): number | undefined {
    const rowsLog2 = Math.log2(rows);
    const elementsLog2 = Math.log2(elementsPerRow);
    let isNear = false;
    this.#plane.clear();
    for (const cell of this.#cells.values()) {
      if (this.#runs - cell.seenAt >= STALE_RUNS) continue;
      const moreRows = Math.abs(cell.rowsLog2 - rowsLog2);
      const moreElements = Math.abs(cell.elementsLog2 - elementsLog2);
      isNear ||= moreRows <= REACH_LOG2 && moreElements <= REACH_LOG2;
      const nearness = 1 + moreRows * moreRows + moreElements * moreElements;
      if (nearness > TOO_FAR) continue;
      const weight = Math.min(cell.runs, MEMORY_RUNS) / (nearness * nearness);
      const r = cell.rows / rows;
      this.#plane.add(r, (r * cell.elementsPerRow) / elementsPerRow, cell.ms, weight);
    }
    return isNear ? Math.max(0, this.#plane.atOne()) : undefined;
  }

  #cellAt(rows: number, elementsPerRow: number): Cell {
    const key = step(rows) * 2 ** 16 + step(elementsPerRow);
    const known = this.#cells.get(key);
    if (known !== undefined) return known;
    if (this.#cells.size >= MAX_CELLS) this.#forgetStalest();
    const cell = { rows: 0, elementsPerRow: 0, ms: 0, rowsLog2: 0, elementsLog2: 0, runs: 0, seenAt: 0 };
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

function step(size: number): number {
  return Math.round(Math.log2(size) * CELLS_PER_OCTAVE);
}
