import assert from 'node:assert/strict';
import { once } from 'node:events';
import { globSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import test from 'node:test';
import { BrokenSubject } from './broken-subject.ts';
import { CaseSource } from './case-source.ts';
import { type FuzzCase, KINDS, type Trouble } from './fuzz-case.ts';
import { fuzz } from './fuzz-run.ts';
import { growthOf } from './growth.ts';
import { exchangeHealth } from './health-request.ts';
import { fuzzInProcess } from './in-process-run.ts';
import { inferBytes } from './infer-request.ts';
import { outcomeOf, troubleOf } from './judge.ts';
import { Report } from './report.ts';
import { shrunk } from './shrink.ts';
import { fuzzWire } from './wire-run.ts';

const MIB = 1024 * 1024;
const never = new AbortController().signal;

test('thousands of malformed and damaged inputs of every kind: no crash, no hang, no 5xx, no leak', async () => {
  const report = new Report();
  const run = { seed: 20, cases: 12_000, kinds: KINDS, from: 0, loads: 20, signal: never };
  await fuzz(run, report);
  assert.deepEqual(
    [...report.findings].map(([key, { kept }]) => [key, kept.map(({ case: found }) => found.index)]),
    [],
  );
  assert.ok(report.cases >= 12_000, `${report.cases} cases`);
  for (const kind of KINDS) {
    const seen = report.kinds.get(kind)?.outcomes.size ?? 0;
    assert.ok(seen >= 5, `${kind}: ${seen} outcomes`);
  }
});

test('a case follows from its seed, kind and number, wherever one begins', () => {
  for (const kind of KINDS) {
    const there = new CaseSource(kind, 3).at(300);
    const source = new CaseSource(kind, 3);
    source.at(2);
    assert.deepEqual(source.at(300), there, kind);
    assert.notDeepEqual(new CaseSource(kind, 4).at(300).bytes, there.bytes, kind);
  }
});

const planted = (index: number, what: string): FuzzCase => ({
  ...{ kind: 'json', index },
  bytes: inferBytes({ model: 'fp32', headers: [], body: Buffer.from(`a body with a ${what}`) }),
});

/** What is found among good cases, by the case's number. */
async function foundWith(t: test.TestContext, cases: readonly FuzzCase[]): Promise<Record<number, Trouble>> {
  await using subject = new BrokenSubject();
  await subject.restart();
  const report = new Report();
  await fuzzWire({ kind: 'json', cases: cases[Symbol.iterator](), signal: never }, subject, report);
  assert.equal(report.cases, cases.length);
  t.diagnostic(`${subject.starts} starts`);
  const found = [...report.findings.values()].flatMap(({ kept }) => kept);
  return Object.fromEntries(found.map(({ trouble, case: { index } }) => [index, trouble]));
}

test('control: a planted 5xx, a leak, a hang and a lost answer are each found, and at the case that has them', async t => {
  const what = new Map([
    [10, 'PLANTED 5XX'],
    [20, 'PLANTED LEAK'],
    [30, 'PLANTED HANG'],
    [40, 'PLANTED END'],
  ]);
  const cases = Array.from({ length: 60 }, (_, i) => planted(i, what.get(i) ?? 'good heart'));
  assert.deepEqual(await foundWith(t, cases), { 10: '5xx', 20: 'leak', 30: 'hang', 40: 'no answer' });
});

test('control: of the cases under way when the server died, the one that ends it again is found', async t => {
  const cases = Array.from({ length: 60 }, (_, i) => planted(i, i === 25 ? 'PLANTED CRASH' : 'good heart'));
  assert.deepEqual(await foundWith(t, cases), { 25: 'crash' });
});

test('control: a worker that was replaced while cases ran is found, and so is health that does not answer', async t => {
  await using subject = new BrokenSubject({ losesWorkers: true });
  await subject.restart();
  const report = new Report();
  const cases = [planted(0, 'PLANTED HANG')][Symbol.iterator]();
  await fuzzWire({ kind: 'json', cases, signal: never }, subject, report);
  assert.ok(report.count('crash') > 0, 'a worker');
  const silent = createServer().listen(0, '127.0.0.1');
  t.after(() => silent.close());
  await once(silent, 'listening');
  assert.equal(await exchangeHealth((silent.address() as { port: number }).port, 50), 50);
});

test('control: a loader that throws what is no refusal, and one that never returns, are found, and the rest goes on', async () => {
  const report = new Report();
  const subject = new URL('broken-subject.ts', import.meta.url).href;
  await fuzzInProcess(
    { kind: 'config', seed: 1, from: 0, cases: 50, signal: never, subject, stuckMs: 500 },
    report,
  );
  const found = [...report.findings.values()].flatMap(({ kept }) => kept);
  assert.deepEqual(
    found.map(({ trouble, case: { index } }) => [index, trouble]),
    [
      [5, 'crash'],
      [9, 'hang'],
    ],
  );
});

test('control: memory that grows with the cases is told from memory that settles', () => {
  const at = (of: (i: number) => number) => Array.from({ length: 100 }, (_, i) => of(i) * MIB);
  assert.equal(growthOf(at(i => 500 + Math.min(i, 20) * 10)), undefined);
  assert.equal(growthOf(at(i => 500 + (i % 10) * 10)), undefined);
  assert.notEqual(growthOf(at(i => 500 + i * 8)), undefined);
});

const request = (text: string): FuzzCase => ({ kind: 'json', index: 0, bytes: Buffer.from(text) });

test('a 5xx that the request asked for, or that is the model’s own, is told from one that is not', () => {
  const rows: [string, number, string, Trouble | undefined][] = [
    ['', 400, '{"error":"inputs: required"}', undefined],
    ['', 500, '{"error":"internal error"}', '5xx'],
    ['', 500, '{"error":"model failed: indices element out of data bounds, idx=9"}', undefined],
    ['', 503, '{"error":"no worker"}', '5xx'],
    ['', 504, '{"error":"the deadline passed"}', '5xx'],
    ['{"parameters":{"timeout":1}}', 504, '{"error":"the deadline passed"}', undefined],
    ['', 400, '{"error":"ENOENT /home/x/y"}', 'leak'],
    ['', 400, '{"error":"a\\n    at f (x.ts)"}', 'leak'],
  ];
  for (const [sent, status, text, expected] of rows) {
    assert.equal(troubleOf(request(sent), { status, text }), expected, text);
  }
});

test('an outcome says what was reached, not what was sent', () => {
  const first = outcomeOf({ status: 400, text: '{"error":"inputs[0].shape[1]: expected 4, got 17"}' });
  assert.equal(first, outcomeOf({ status: 400, text: '{"error":"inputs[2].shape[0]: expected 2, got -1"}' }));
  assert.notEqual(first, outcomeOf({ status: 400, text: '{"error":"inputs: required"}' }));
});

test('what is found is made as small as it can be', async () => {
  const least = await shrunk(Buffer.from(`${'x'.repeat(900)}a${'y'.repeat(90)}b`), bytes => {
    return Promise.resolve(/a.*b/.test(bytes.toString()));
  });
  assert.equal(least.toString(), 'ab');
});

test('every kept seed has its line in the list, and every line its seed', () => {
  const list = readFileSync('test/fuzz/corpus/README.md', 'utf8');
  const listed = [...list.matchAll(/^\| `(.+?)` \| .+ \|$/gm)].map(([, name]) => name as string);
  const files = globSync('test/fuzz/corpus/*/*').map(file => file.replace('test/fuzz/corpus/', ''));
  assert.deepEqual(listed.sort(), files.sort());
});
