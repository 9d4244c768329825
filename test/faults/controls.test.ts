/** Controls of the fault suite: what each of its detectors is there for is planted, and must be caught. */
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Reply } from '../../src/load/reply.ts';
import { addConstant } from '../support/onnx.ts';
import { allRight, noneLost, slower, tax } from './figures.ts';
import { isStrictJson } from './nan-outputs.ts';
import { until } from './operator.ts';
import { type Planted, startPlantingProxy } from './planting-proxy.ts';
import { rowsPlus } from './reloading.ts';
import { runAll } from './run-all.ts';
import type { RunScenario, Scenario } from './scenario.ts';
import { SCENARIOS, scenariosNamed } from './scenarios.ts';
import { toldRows } from './sigterm.ts';
import { PATIENT, rowsFor, type Subject, startSubjectWith, WIDTH } from './subject.ts';
import { type Carried, carry, carryWhile } from './traffic.ts';

let subject: Subject;

before(async () => {
  subject = await startSubjectWith({ other: { versions: { 1: addConstant(2, WIDTH) }, config: PATIENT } });
});

after(() => subject?.[Symbol.asyncDispose]());

const EVERY = 10;

async function through(kind: Planted): Promise<Carried & { readonly planted: number }> {
  await using proxy = await startPlantingProxy(subject.address, kind, EVERY);
  const between = { ...subject, address: proxy.address };
  const carried = await carry(between, { load: rowsFor('other'), ratePerSecond: 200, seed: 3 }, 1);
  return { ...carried, planted: proxy.planted() };
}

const CAUGHT: readonly [Planted, 'lost' | 'wrong' | 'failed'][] = [
  ['dropped', 'lost'],
  ['swapped', 'wrong'],
  ['failed', 'failed'],
];
for (const [kind, counted] of CAUGHT) {
  test(`answers that are ${kind} count as ${counted}, each of them and no other`, async () => {
    const { account, planted } = await through(kind);
    assert.equal(planted, 200 / EVERY);
    assert.deepEqual([account[counted], account.correct], [planted, 200 - planted], JSON.stringify(account));
    assert.equal(allRight('', account).kept, false);
    assert.equal(noneLost('', account).kept, kind === 'failed');
  });
}

test('a gateway that stands still is sent what comes meanwhile, and not only what came before', async () => {
  const [seconds, ratePerSecond] = [3, 50];
  const traffic = { load: rowsFor('other'), ratePerSecond, seed: 3 };
  const { account } = await carryWhile(subject, traffic, async () => {
    subject.headgate.process.kill('SIGSTOP');
    await sleep(seconds * 1000);
    subject.headgate.process.kill('SIGCONT');
  });
  assert.ok(account.requests >= (seconds - 0.5) * ratePerSecond, JSON.stringify(account));
  assert.deepEqual([account.lost, account.wrong], [0, 0], JSON.stringify(account));
});

const tailOf = (p99Ms: number, lateShare = 0) => ({ p99Ms, lateShare });

test('content that must not answer, and rows that are torn, are wrong', () => {
  const { check } = rowsPlus('other', constant => constant === 2);
  const reply = (data: readonly number[]): Reply =>
    ({
      status: 200,
      body: Buffer.from(
        JSON.stringify({ outputs: [{ name: 'y', datatype: 'FP32', shape: [1, WIDTH], data }] }),
      ),
      header: () => undefined,
    }) as unknown as Reply;
  const row = (constant: number) => Array.from({ length: WIDTH }, (_, at) => 5 * WIDTH + at + constant);
  check(reply(row(2)), 5);
  assert.throws(() => check(reply(row(3)), 5), /by content 3/);
  assert.throws(() => check(reply([...row(2).slice(0, -1), 0]), 5), /not its own/);
  assert.throws(() => check(reply(row(2)), 6), /by content -62/);
});

test('NaN in JSON is what a strict parser refuses', () => {
  const reply = (text: string) => ({ body: Buffer.from(text), header: () => undefined }) as unknown as Reply;
  assert.equal(isStrictJson(reply('{"data":[null]}')), true);
  assert.equal(isStrictJson(reply('{"data":[NaN]}')), false);
  assert.equal(isStrictJson(reply('{"data":[1')), false);
});

test('a request lost on a kept connection, a process that stays, and a signal as the exit are seen after SIGTERM', () => {
  const round = {
    exit: { code: 0, signal: null },
    tookMs: 5,
    outcomes: new Map([['200', 9]]),
    orphans: [],
    sockets: 0,
  };
  const missed = (...more: object[]) =>
    toldRows([round, ...more.map(one => ({ ...round, ...one }))])
      .filter(({ kept }) => !kept)
      .map(({ figure }) => figure);
  assert.deepEqual(missed(), []);
  assert.deepEqual(missed({ outcomes: new Map([['lost on a kept one', 1]]) }), ['S6 accepted requests lost']);
  assert.deepEqual(missed({ exit: { code: null, signal: 'SIGKILL' } }), ['S6 exit codes']);
  assert.deepEqual(missed({ orphans: ['node worker'] }), ['processes and sockets left']);
});

test('a fault that did not happen is a missed row, and the other scenarios run', async () => {
  const scenario = (name: string, run: RunScenario): Scenario => ({
    ...{ name, faults: 'R0', about: '', load: () => Promise.resolve({ run }) },
  });
  const good = scenario('good', async () => ({ rows: [slower('', tailOf(1), tailOf(1), 1.5)] }));
  const idle = scenario('idle', async () => {
    await until('never', () => false, 1);
    return { rows: [] };
  });
  const results = await runAll([idle, good], { short: true, seed: 1, progress: () => undefined });
  assert.deepEqual(
    results.map(({ name, rows }) => [name, rows[0]?.kept]),
    [
      ['idle', false],
      ['good', true],
    ],
  );
  assert.match(results[0]?.rows[0]?.value ?? '', /not within 1 ms: never/);
});

test('of no requests at all nothing is kept', () => {
  const account = { requests: 0, correct: 0, refused: 0, failed: 0, lost: 0, wrong: 0, firsts: {} };
  assert.deepEqual([allRight('', account).kept, noneLost('', account).kept], [false, false]);
});

test('what is twice as slow is not kept within one and a half, and a late generator is told', () => {
  assert.deepEqual(
    [3, 4, Number.NaN].map(ms => slower('', tailOf(ms), tailOf(2), 1.5).kept),
    [true, false, false],
  );
  assert.deepEqual(
    [tax('', tailOf(3), tailOf(2), 1).kept, tax('', tailOf(4), tailOf(2), 1).kept],
    [true, false],
  );
  assert.match(slower('', tailOf(3, 0.2), tailOf(2), 1.5).value, /20 % sent late/);
});

test('scenarios are found by their names, which are their own', () => {
  assert.equal(new Set(SCENARIOS.map(({ name }) => name)).size, SCENARIOS.length);
  assert.deepEqual(
    scenariosNamed(['nan', 'chaos']).map(({ name }) => name),
    ['chaos', 'nan'],
  );
  assert.throws(() => scenariosNamed(['nope']), /no scenario is named nope/);
});
