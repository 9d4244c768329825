import assert from 'node:assert/strict';
import test from 'node:test';
import { ReplyBuffers } from '../../src/pool/reply-buffers.ts';

const MB = 2 ** 20;

test('memory is used again when the last holder has let go, not before', () => {
  const buffers = new ReplyBuffers();
  const first = buffers.take(MB);
  first.hold();
  first.release();
  const second = buffers.take(MB);
  assert.notEqual(second.bytes.buffer, first.bytes.buffer);
  first.release();
  const third = buffers.take(MB);
  assert.equal(third.bytes.buffer, first.bytes.buffer);
  assert.notEqual(buffers.take(MB).bytes.buffer, first.bytes.buffer);
});

test('a reply gets as many bytes as it has, in memory that replies of about its length share', () => {
  const buffers = new ReplyBuffers();
  for (const [bytes, size] of [
    [MB, MB],
    [MB + 1, 1.25 * MB],
    [2 * MB - 1, 2 * MB],
    [33_000, 40_960],
  ] as const) {
    const lease = buffers.take(bytes);
    assert.equal(lease.bytes.byteLength, bytes);
    assert.equal(lease.bytes.buffer.byteLength, size);
  }
  const long = buffers.take(2 * MB - 1);
  long.release();
  assert.equal(buffers.take(1.8 * MB).bytes.buffer, long.bytes.buffer);
});

test('letting go twice, or holding what was let go, is a bug that is told', () => {
  const lease = new ReplyBuffers().take(MB);
  lease.release();
  assert.throws(() => lease.release(), /this is a bug/);
  assert.throws(() => lease.hold(), /this is a bug/);
});

test('keeps a bounded number of bytes, the latest, and nothing huge or moved away', () => {
  const buffers = new ReplyBuffers();
  const taken = Array.from({ length: 12 }, () => buffers.take(8 * MB));
  for (const lease of taken) lease.release();
  assert.equal(buffers.keptBytes, 64 * MB);
  const again = buffers.take(8 * MB);
  assert.equal(again.bytes.buffer, taken.at(-1)?.bytes.buffer);
  const moved = buffers.take(8 * MB);
  const before = buffers.keptBytes;
  (moved.bytes.buffer as ArrayBuffer).transfer();
  moved.release();
  buffers.take(40 * MB).release();
  assert.equal(buffers.keptBytes, before);
});

test('what is not used for a while is let go, what is used stays', t => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const buffers = new ReplyBuffers();
  const often = buffers.take(MB);
  buffers.take(3 * MB).release();
  often.release();
  for (let i = 0; i < 3; i++) {
    buffers.take(MB).release();
    t.mock.timers.tick(10_000);
  }
  assert.equal(buffers.keptBytes, MB);
  assert.equal(buffers.take(MB).bytes.buffer, often.bytes.buffer);
  t.mock.timers.tick(20_000);
  assert.equal(buffers.keptBytes, 0);
});
