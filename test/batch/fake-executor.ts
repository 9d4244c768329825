import assert from 'node:assert/strict';
import type { GatewayError } from '../../src/errors.ts';
import type { Capacity, Execution, ExecutionResult, Executor, Slot } from '../../src/inference.ts';

/** One execution that has started and waits for the test to end it. */
export interface Started {
  readonly execution: Execution;
  succeed(result?: ExecutionResult, inferMs?: number): void;
  fail(error: GatewayError): void;
}

/** An executor whose executions last until the test ends them, and which answers with its own inputs by default. */
export class FakeExecutor implements Executor {
  readonly started: Started[] = [];
  /** Those that run apart. */
  readonly startedApart: Started[] = [];
  readonly startedElsewhere: Started[] = [];
  /** Slots of other workers that `tryElsewhere` may give. */
  idleElsewhere = 0;
  /** Requests for a slot that are not granted or withdrawn. */
  outstanding = 0;
  released = 0;
  /** Executions whose slot was asked to be given on early. */
  yielded = 0;
  #free: number;
  #total: number;
  readonly #waiting: ((slot: Slot) => void)[] = [];
  readonly #watchers: { count: number; resolve: () => void }[] = [];

  constructor(slots = 1) {
    this.#free = slots;
    this.#total = slots;
  }

  capacity(): Capacity {
    return { free: this.#free, total: this.#total };
  }

  acquire(grant: (slot: Slot) => void): () => void {
    this.outstanding++;
    assert.equal(this.outstanding, 1, 'one request for a slot at a time');
    this.#waiting.push(grant);
    queueMicrotask(() => this.#grantNext());
    return () => {
      const index = this.#waiting.indexOf(grant);
      if (index === -1) return;
      this.#waiting.splice(index, 1);
      this.outstanding--;
    };
  }

  tryElsewhere(): Slot | undefined {
    if (this.idleElsewhere === 0) return undefined;
    this.idleElsewhere--;
    return {
      kind: 'cpu',
      execute: execution => this.#start(execution, () => undefined, this.startedElsewhere),
      yieldNext: () => false,
      release: () => {
        this.idleElsewhere++;
      },
    };
  }

  acquireApart(grant: (slot: Slot) => void): () => void {
    let withdrawn = false;
    queueMicrotask(() => {
      if (withdrawn) return;
      grant({
        kind: 'cpu',
        execute: execution => this.#start(execution, () => undefined, this.startedApart),
        yieldNext: () => false,
        release: () => undefined,
      });
    });
    return () => {
      withdrawn = true;
    };
  }

  /** Resolves when so many executions have started since the beginning. */
  reached(count: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.started.length >= count) resolve();
    else this.#watchers.push({ count, resolve });
    return promise;
  }

  /** Adds a slot, as if a worker had come. */
  addSlot(): void {
    this.#total++;
    this.#release();
  }

  #release(): void {
    this.#free++;
    queueMicrotask(() => this.#grantNext());
  }

  #grantNext(): void {
    if (this.#free === 0) return;
    const grant = this.#waiting.shift();
    if (grant === undefined) return;
    this.#free--;
    this.outstanding--;
    let used = false;
    let isFreed = true;
    const freeOnce = (): void => {
      if (isFreed) return;
      isFreed = true;
      this.#release();
    };
    const use = (): void => {
      assert.ok(!used, 'a slot ends in one execute or one release');
      used = true;
    };
    grant({
      kind: 'cpu',
      execute: execution => {
        use();
        isFreed = false;
        return this.#start(execution, freeOnce);
      },
      yieldNext: () => {
        if (isFreed) return false;
        this.yielded++;
        freeOnce();
        return true;
      },
      release: () => {
        use();
        this.released++;
        this.#release();
      },
    });
    assert.ok(used, 'a granted slot is used at once');
  }

  #start(execution: Execution, freeOnce: () => void, list = this.started): Promise<ExecutionResult> {
    const { promise, resolve, reject } = Promise.withResolvers<ExecutionResult>();
    list.push({
      execution,
      succeed: (result = identity(execution), inferMs = result.inferMs) => {
        resolve({ ...result, inferMs });
        setImmediate(freeOnce);
      },
      fail: error => {
        reject(error);
        setImmediate(freeOnce);
      },
    });
    for (const { count, resolve: tell } of this.#watchers) if (this.started.length >= count) tell();
    return promise;
  }
}

/** The identity model: each input comes back as an output of the same name. */
export function identity({ inputs, outputs }: Execution): ExecutionResult {
  const all = inputs.map(({ name, datatype, shape, parts }) => ({
    name,
    datatype,
    shape,
    data: Buffer.concat(parts),
  }));
  return { outputs: all.filter(({ name }) => outputs?.includes(name) ?? true), inferMs: 1 };
}
