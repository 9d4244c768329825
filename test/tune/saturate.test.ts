import assert from 'node:assert/strict';
import test from 'node:test';
import { GatewayError } from '../../src/errors.ts';
import type { Execution, Executor, Slot } from '../../src/inference.ts';
import { saturate } from '../../src/tune/saturate.ts';
import { WindowTally } from '../../src/tune/window.ts';

const execution: Execution = { inputs: [], outputs: undefined, rows: 8 };
const size = { minMs: 0, minRounds: 3, maxMs: 5000 };

/** Instances that take a turn of the event loop for a run, and yield their seat as the pool does. */
class Instances implements Pick<Executor, 'capacity' | 'acquire'> {
  started = 0;
  running = 0;
  mostRunning = 0;
  waiting: ((slot: Slot) => void)[] = [];
  readonly #total: number;
  readonly #failsAt: number;
  #seats: number;
  #ahead = 0;

  constructor(total: number, failsAt = Number.POSITIVE_INFINITY) {
    this.#total = total;
    this.#seats = total;
    this.#failsAt = failsAt;
  }

  capacity() {
    return { free: this.#seats, total: this.#total };
  }

  acquire(grant: (slot: Slot) => void): () => void {
    this.waiting.push(grant);
    queueMicrotask(() => this.#next());
    return () => {
      this.waiting = this.waiting.filter(one => one !== grant);
    };
  }

  #next(): void {
    if (this.#seats === 0) return;
    const grant = this.waiting.shift();
    if (grant === undefined) return;
    this.#seats--;
    grant(this.#slot());
  }

  #slot(): Slot {
    let yielded = false;
    const free = (): void => {
      this.#seats++;
      queueMicrotask(() => this.#next());
    };
    return {
      kind: 'cpu',
      yieldNext: () => {
        if (yielded || this.#ahead === this.#total) return false;
        yielded = true;
        this.#ahead++;
        free();
        return true;
      },
      release: free,
      execute: async () => {
        this.mostRunning = Math.max(this.mostRunning, ++this.running);
        const number = ++this.started;
        await new Promise(resolve => setImmediate(resolve));
        this.running--;
        if (yielded) this.#ahead--;
        else free();
        if (number >= this.#failsAt) throw new GatewayError('model-failed', 'out of memory');
        return { outputs: [], inferMs: 1 };
      },
    };
  }
}

test('every instance has one run and one ready, as long as it lasts', async () => {
  const executor = new Instances(3);
  const window = await saturate(executor, execution, 3, { ...size, minRounds: 20 });
  assert.equal(executor.mostRunning, 6);
  assert.ok((window?.rowsPerSecond ?? 0) > 0);
  assert.ok((window?.latenciesMs.length ?? 0) >= 60);
  assert.deepEqual([executor.running, executor.waiting.length], [0, 0]);
});

test('a run that fails is the error, once the others have ended', async () => {
  const executor = new Instances(2, 9);
  await assert.rejects(saturate(executor, execution, 2, size), { code: 'model-failed' });
  assert.equal(executor.waiting.length, 0);
});

test('without any instance it ends with its time, and counts nothing', async () => {
  const executor = new Instances(0);
  assert.equal(await saturate(executor, execution, 1, { ...size, maxMs: 1 }), undefined);
  assert.equal(executor.waiting.length, 0);
});

test('the first runs of each instance do not count, and only whole rounds are looked at', () => {
  const tally = new WindowTally({ minMs: 30, minRounds: 1, maxMs: 1000 }, 2);
  for (const atMs of [10, 10, 20, 20]) assert.equal(tally.note(10, atMs), false);
  const enough = [30, 31, 40, 41, 50, 51].map(atMs => tally.note(10, atMs));
  assert.deepEqual(enough, [false, false, false, false, false, true]);
  assert.equal(tally.window(8)?.rowsPerSecond, (1000 * 8 * 6) / 31);
});

test('no round, no window', () => {
  const tally = new WindowTally(size, 2);
  for (const atMs of [1, 2, 3, 4, 5]) tally.note(1, atMs);
  assert.equal(tally.window(1), undefined);
});
