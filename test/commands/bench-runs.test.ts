import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import test from 'node:test';
import { BenchProgress } from '../../src/commands/bench-progress.ts';
import { type BenchRuns, runBench } from '../../src/commands/bench-runs.ts';
import { noOutcomes } from '../../src/load/outcome.ts';

/** A server that answers so many requests a second with so many connections, and in 1 ms up to that rate, 100 ms beyond. */
function server(perSecond: (connections: number) => number, limit = Number.POSITIVE_INFINITY) {
  const sent: string[] = [];
  const answers = (okPerSecond: number, latencyMs: number) => ({
    seconds: 1,
    requests: Math.ceil(okPerSecond),
    okPerSecond,
    outcomes: { ...noOutcomes(), ok: Math.ceil(okPerSecond) },
    firsts: {},
    okMs: Float64Array.of(latencyMs),
    refusedMs: new Float64Array(0),
    timing: undefined,
  });
  const load: BenchRuns['load'] = {
    closed: async connections => {
      sent.push(`closed ${connections}`);
      return { ...answers(perSecond(connections), 1), warmup: noOutcomes(), cpuSeconds: 0 };
    },
    open: async (rate, _seconds, isConstant) => {
      sent.push(`${isConstant ? 'even' : 'open'} ${Math.round(rate)}`);
      const generator = {
        lateShare: 0,
        lateP99Ms: 0,
        lateMaxMs: 0,
        waited: 0,
        connections: 1,
        cpuSeconds: 0,
      };
      return { ...answers(rate, rate <= limit ? 1 : 100), offeredPerSecond: rate, generator };
    },
  };
  return { sent, load };
}

function runs(load: BenchRuns['load'], maxConnections = 256): BenchRuns {
  const stream = new Writable({ write: (_chunk, _encoding, done) => done() });
  const progress = new BenchProgress(stream as unknown as NodeJS.WriteStream);
  return { load, seconds: 1, maxConnections, progress, measurements: [] };
}

test('a survey adds connections until they have twice brought no more, then measures below the best', async () => {
  const { sent, load } = server(connections => Math.min(1000, connections * 100));
  await runBench(runs(load, 1000), { kind: 'survey' });
  assert.deepEqual(sent, [
    ...['closed 1', 'closed 8', 'closed 32', 'closed 128', 'closed 512'],
    ...['open 500', 'open 700', 'open 900'],
  ]);
});

test('a survey goes on after one step that brought less', async () => {
  const { sent, load } = server(connections => (connections === 8 ? 10 : connections * 10));
  await runBench(runs(load, 32), { kind: 'survey' });
  assert.deepEqual(sent.slice(0, 3), ['closed 1', 'closed 8', 'closed 32']);
  assert.equal(sent.at(-1), 'open 288');
});

test('a server that answers nothing is sent no more', async () => {
  const { sent, load } = server(() => 0);
  assert.equal(await runBench(runs(load), { kind: 'find', sloMs: 5 }), 0);
  assert.deepEqual(sent, ['closed 1', 'closed 8']);
});

test('find ends close to the highest rate whose p99 is within the objective', async () => {
  const { load } = server(() => 1000, 420);
  const found = (await runBench(runs(load), { kind: 'find', sloMs: 5 })) ?? 0;
  assert.ok(found <= 420 && found > 390, String(found));
});

test('one load is one measurement, and is kept', async () => {
  const { sent, load } = server(() => 1000);
  const one = runs(load);
  await runBench(one, { kind: 'rate', ratePerSecond: 70, isConstant: true });
  await runBench(one, { kind: 'connections', connections: 3 });
  assert.deepEqual(sent, ['even 70', 'closed 3']);
  assert.deepEqual(
    one.measurements.map(({ load: { kind } }) => kind),
    ['open', 'closed'],
  );
});
