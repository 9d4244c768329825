import assert from 'node:assert/strict';
import test from 'node:test';
import { defaultMemoryCap, MemoryWatch, tooLarge } from '../../src/pool/memory-watch.ts';

const GIB = 2 ** 30;
const CAPS: readonly [string, number, number | undefined, number][] = [
  ['80 % of the machine', 10 * GIB, undefined, 8 * GIB],
  ['80 % of the container', 10 * GIB, 5 * GIB, 4 * GIB],
  ['80 % of the machine, where a container is told without a limit', 10 * GIB, 2 ** 63, 8 * GIB],
  ['80 % of the machine, where no limit is told as 0', 10 * GIB, 0, 8 * GIB],
];
for (const [name, total, constrained, expected] of CAPS) {
  test(`a worker may hold ${name}`, () => assert.equal(defaultMemoryCap(total, constrained), expected));
}

test('a process that holds too much is told of once, one that holds less never', async t => {
  const { promise, resolve } = Promise.withResolvers<number>();
  const isBusy = () => true;
  let times = 0;
  const large = new MemoryWatch({
    ...{ pid: process.pid, maxBytes: 2 ** 20, isBusy },
    exceeded: bytes => {
      times++;
      resolve(bytes);
    },
  });
  let looks = 0;
  const small = new MemoryWatch({
    ...{ pid: process.pid, maxBytes: 2 ** 40 },
    isBusy: () => ++looks > 0,
    exceeded: () => assert.fail('it holds less'),
  });
  t.after(() => [large, small].map(watch => watch.stop()));
  const keepAlive = setInterval(() => undefined, 1000);
  const bytes = await promise;
  const rss = process.memoryUsage.rss();
  assert.ok(bytes > rss / 2 && bytes < rss * 2, tooLarge(bytes, rss));
  while (looks < 5) await new Promise(setImmediate);
  clearInterval(keepAlive);
  assert.equal(times, 1);
});
