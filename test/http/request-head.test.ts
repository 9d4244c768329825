import assert from 'node:assert/strict';
import test from 'node:test';
import { preferredEncoding } from '../../src/http/accept-encoding.ts';
import { deadlineOf, type InferHead, priorityOf, readInferHead } from '../../src/http/request-head.ts';

const HEAD: InferHead = {
  encoding: 'identity',
  headerLength: undefined,
  timeoutMs: undefined,
  priority: undefined,
  cacheControl: undefined,
};

test('no headers: the whole body is JSON, with the model’s own timeout and the last priority', () => {
  assert.deepEqual(readInferHead({}), HEAD);
  assert.equal(priorityOf(HEAD, undefined, 4), 4);
});

test('the deadline is the smaller of what was asked, at most what the model allows', () => {
  const target = { timeoutMs: 1000, maxTimeoutMs: 5000 };
  for (const [headerMs, parameterUs, expected] of [
    [undefined, undefined, 1000],
    [undefined, 0, 1000],
    [200, undefined, 200],
    [undefined, 300_000, 300],
    [undefined, 500, 0.5],
    [200, 300_000, 200],
    [400, 300_000, 300],
    [4000, undefined, 4000],
    [9000, undefined, 5000],
    [9000, 8_000_000, 5000],
  ] as const) {
    assert.equal(
      deadlineOf({ ...HEAD, timeoutMs: headerMs }, parameterUs, target, 10_000),
      10_000 + expected,
    );
  }
  assert.equal(deadlineOf(HEAD, undefined, { timeoutMs: 9000, maxTimeoutMs: 5000 }, 0), 5000);
});

test('the header’s priority goes before the parameter’s, and levels the model has not are the last one', () => {
  for (const [header, parameter, levels, expected] of [
    [1, undefined, 9, 1],
    [1, 9, 9, 1],
    [undefined, 1, 9, 1],
    [undefined, 9, 9, 9],
    [undefined, 0, 9, 9],
    [undefined, 10, 9, 9],
    [10, 1, 9, 9],
    [1, 1, 1, 1],
    [2, undefined, 1, 1],
  ] as const) {
    assert.equal(priorityOf({ ...HEAD, priority: header }, parameter, levels), expected);
  }
});

test('a content encoding is one of gzip, deflate and none', () => {
  for (const [value, expected] of [
    ['gzip', 'gzip'],
    ['GZIP', 'gzip'],
    [' x-gzip ', 'gzip'],
    ['deflate', 'deflate'],
    ['identity', 'identity'],
    ['', 'identity'],
  ] as const) {
    assert.equal(readInferHead({ 'content-encoding': value }).encoding, expected);
  }
  for (const value of ['br', 'gzip, gzip', 'zstd', 'gzip;q=1']) {
    assert.throws(() => readInferHead({ 'content-encoding': value }), { code: 'unsupported-encoding' });
  }
});

test('an answer is compressed as the weights say', () => {
  for (const [header, expected] of [
    [undefined, undefined],
    ['', undefined],
    ['identity', undefined],
    ['br', undefined],
    ['gzip', 'gzip'],
    ['deflate', 'deflate'],
    ['deflate, gzip', 'gzip'],
    ['gzip;q=0.2, deflate;q=0.8', 'deflate'],
    ['gzip;q=0', undefined],
    ['*', 'gzip'],
    ['*, gzip;q=0', 'deflate'],
    ['gzip;q=0.5, identity;q=0.9', undefined],
    ['GZIP ; Q=1', 'gzip'],
    ['gzip;q=nonsense', undefined],
  ] as const) {
    assert.equal(preferredEncoding(header), expected, `for ${header}`);
  }
});
