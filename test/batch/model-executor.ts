import type { Capacity, Execution, ExecutionResult, Executor, Slot } from '../../src/inference.ts';
import { identity } from './fake-executor.ts';

/** What one run did, in the order of the runs. */
export interface Ran {
  readonly apart: boolean;
  readonly rows: number;
}

/** An executor of one slot that runs a model: identity, unless `judge` throws for what it is given. */
export class ModelExecutor implements Executor {
  readonly runs: Ran[] = [];
  readonly #judge: (tags: readonly number[], apart: boolean) => void;
  readonly #waiting: ((slot: Slot) => void)[] = [];
  #busy = false;

  /** `judge` gets the first number of every row. */
  constructor(judge: (tags: readonly number[], apart: boolean) => void) {
    this.#judge = judge;
  }

  capacity(): Capacity {
    return { free: this.#busy ? 0 : 1, total: 1 };
  }

  acquire(grant: (slot: Slot) => void): () => void {
    this.#waiting.push(grant);
    queueMicrotask(() => this.#next());
    return () => {
      const at = this.#waiting.indexOf(grant);
      if (at >= 0) this.#waiting.splice(at, 1);
    };
  }

  tryElsewhere(): undefined {}

  acquireApart(grant: (slot: Slot) => void): () => void {
    let isWanted = true;
    queueMicrotask(() => isWanted && grant(this.#slot(true, () => undefined)));
    return () => {
      isWanted = false;
    };
  }

  #next(): void {
    if (this.#busy) return;
    const grant = this.#waiting.shift();
    if (grant === undefined) return;
    this.#busy = true;
    grant(
      this.#slot(false, () => {
        this.#busy = false;
        this.#next();
      }),
    );
  }

  #slot(apart: boolean, free: () => void): Slot {
    return {
      kind: 'cpu',
      yieldNext: () => false,
      release: free,
      execute: execution => this.#run(execution, apart).finally(free),
    };
  }

  async #run(execution: Execution, apart: boolean): Promise<ExecutionResult> {
    await undefined;
    this.runs.push({ apart, rows: execution.rows });
    const result = identity(execution);
    this.#judge(tagsOf(result), apart);
    return result;
  }
}

function tagsOf({ outputs: [output] }: ExecutionResult): number[] {
  if (output === undefined) return [];
  const values = new Int32Array(new Uint8Array(output.data).buffer);
  const columns = values.length / (output.shape[0] as number);
  return [...values].filter((_, at) => at % columns === 0);
}
