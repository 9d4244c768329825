import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import CircuitBreaker from 'opossum';
import { Breaker, type BreakerOptions, type BreakerState, type Outcome } from '../src/breaker.ts';
import { hasRecovered, openTimeMs, verdictOf } from '../src/breaker-rules.ts';
import { uniform } from './support/random.ts';

const THRESHOLDS = { failureShare: 0.5, leastCalls: 4 };

/** A breaker on a clock that stands still, and what it told. */
function breakerOf(t: TestContext, over: Partial<BreakerOptions> = {}) {
  const told: BreakerState[] = [];
  const clock = { now: 1000 };
  const waiting = new Map<BreakerState, () => void>();
  const breaker = new Breaker({
    ...THRESHOLDS,
    windowMs: 100,
    openMs: 5,
    trial: async () => {},
    now: () => clock.now,
    random: () => 0.5,
    ...over,
    changed: state => {
      told.push(state);
      waiting.get(state)?.();
    },
  });
  t.after(() => breaker.shutDown());
  const until = (state: BreakerState): Promise<void> =>
    new Promise(resolve => waiting.set(state, () => resolve()));
  const end = (outcome: Outcome, times = 1, ms = 1): void => {
    for (let i = 0; i < times; i++) breaker.ended(breaker.begin(), outcome, ms);
  };
  return { breaker, told, clock, until, end };
}

/** Settles what is settled without waiting for time. */
const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

const fires = async (circuit: CircuitBreaker<[() => Promise<unknown>]>, times: number, fails: boolean) => {
  for (let i = 0; i < times; i++) {
    await circuit.fire(async () => fails && Promise.reject(new Error('failed'))).catch(() => {});
  }
};

function rawCircuit(t: TestContext, over: CircuitBreaker.Options = {}) {
  const circuit = new CircuitBreaker((action: () => Promise<unknown>) => action(), {
    timeout: false,
    volumeThreshold: 4,
    resetTimeout: 5,
    ...over,
  });
  t.after(() => circuit.shutdown());
  return circuit;
}

test('as many failures as the share says open it, and never fewer calls than the least', () => {
  const slow = { callMs: 10, share: 0.8 };
  const table: [number, number, number, string | undefined][] = [
    [0, 0, 0, undefined],
    [3, 3, 0, undefined],
    [4, 1, 0, undefined],
    [4, 2, 0, '2 of 4 runs failed'],
    [5, 2, 0, undefined],
    [4, 0, 3, undefined],
    [5, 0, 4, '4 of 5 runs took longer than 10 ms'],
    [3, 0, 3, undefined],
  ];
  for (const [calls, failures, slowCalls, verdict] of table)
    assert.equal(verdictOf({ calls, failures, slow: slowCalls }, { ...THRESHOLDS, slow }), verdict);
  assert.equal(
    verdictOf({ calls: 9, failures: 0, slow: 9 }, THRESHOLDS),
    undefined,
    'no slow calls asked for',
  );
  assert.equal(verdictOf({ calls: 9, failures: 0, slow: 0 }, { failureShare: 0, leastCalls: 1 }), undefined);
  assert.equal(
    verdictOf({ calls: 9, failures: 1, slow: 0 }, { failureShare: 0, leastCalls: 1 }),
    '1 of 9 runs failed',
  );
});

test('it stays open twice as long each time, spread by half, five minutes at most', () => {
  const times = [1, 2, 3, 4].map(nth => openTimeMs(nth, 10_000, 300_000, 0.5));
  assert.deepEqual(times, [10_000, 20_000, 40_000, 80_000]);
  const random = uniform(7);
  for (let nth = 1; nth < 2000; nth++) {
    const draw = random();
    const ms = openTimeMs(nth, 10_000, 300_000, draw);
    const doubled = Math.min(300_000, 10_000 * 2 ** Math.min(30, nth - 1));
    assert.ok(ms >= doubled / 2 && ms <= 300_000 && ms <= doubled * 1.5, `${nth}: ${ms}`);
  }
  assert.deepEqual(
    [hasRecovered(99, 50, 100), hasRecovered(100, 50, 100), hasRecovered(199, 200, 100)],
    [false, true, false],
  );
});

test('the first failure does not open it; opossum as it comes is opened by it', async t => {
  const raw = rawCircuit(t, { volumeThreshold: 0 });
  await fires(raw, 1, true);
  assert.equal(raw.opened, true, 'the control');
  const { breaker, end } = breakerOf(t);
  end('failure', 3);
  assert.equal(breaker.isClosed, true);
  end('failure');
  assert.equal(breaker.isClosed, false);
});

test('exactly the share opens it; opossum demands more', async t => {
  const raw = rawCircuit(t);
  await fires(raw, 2, false);
  await fires(raw, 2, true);
  assert.equal(raw.opened, false, 'the control');
  const { breaker, end } = breakerOf(t);
  end('success', 2);
  end('failure', 2);
  assert.equal(breaker.view().reason, '2 of 4 runs failed');
});

test('calls under way dilute nothing; with opossum they do', async t => {
  const raw = rawCircuit(t);
  const held = Array.from({ length: 8 }, () => raw.fire(() => new Promise(() => {})));
  await fires(raw, 4, true);
  assert.deepEqual([raw.opened, held.length], [false, 8], 'the control');
  const { breaker, end } = breakerOf(t);
  for (let i = 0; i < 8; i++) breaker.begin();
  end('failure', 4);
  assert.equal(breaker.isClosed, false);
});

test('what says nothing counts neither way; with opossum it counts as a success and closes', async t => {
  const raw = rawCircuit(t, { errorFilter: () => true });
  raw.open();
  await new Promise(resolve => raw.once('halfOpen', resolve));
  await fires(raw, 1, true);
  assert.equal(raw.closed, true, 'the control');
  const { breaker, end } = breakerOf(t);
  end('neutral', 1000);
  assert.equal(breaker.view().calls, 0);
  end('failure', 4);
  end('neutral', 1000);
  assert.equal(breaker.isClosed, false);
});

test('a call that began before it opened neither closes nor opens it; with opossum it closes it', async t => {
  const raw = rawCircuit(t);
  const slow = Promise.withResolvers<void>();
  const late = raw.fire(() => slow.promise);
  raw.open();
  await new Promise(resolve => raw.once('halfOpen', resolve));
  slow.resolve();
  await late;
  assert.equal(raw.closed, true, 'the control');

  const trial = Promise.withResolvers<void>();
  const { breaker, end, until } = breakerOf(t, { trial: () => trial.promise });
  const eras = Array.from({ length: 8 }, () => breaker.begin());
  end('failure', 4);
  await until('trying');
  breaker.ended(eras[0] as number, 'success', 1);
  assert.equal(breaker.view().state, 'trying');
  const closed = until('closed');
  trial.resolve();
  await closed;
  for (const era of eras) breaker.ended(era, 'failure', 1);
  assert.deepEqual([breaker.isClosed, breaker.view().calls], [true, 0]);
});

test('what failed before does not count once it has closed; with opossum it does', async t => {
  const raw = rawCircuit(t);
  await fires(raw, 4, true);
  await new Promise(resolve => raw.once('halfOpen', resolve));
  await fires(raw, 1, false);
  await fires(raw, 1, true);
  assert.equal(raw.opened, true, 'the control');
  const { breaker, end, until } = breakerOf(t);
  end('failure', 4);
  await until('closed');
  end('failure', 3);
  assert.equal(breaker.isClosed, true);
});

test('a trial that never ends has failed; with opossum it is waited for without end', async t => {
  const raw = rawCircuit(t);
  raw.open();
  await new Promise(resolve => raw.once('halfOpen', resolve));
  raw.fire(() => new Promise(() => {})).catch(() => {});
  assert.deepEqual([raw.halfOpen, raw.pendingClose], [true, false], 'the control: it rejects for good');
  let trials = 0;
  const trial = () => (++trials === 1 ? new Promise(() => {}) : Promise.resolve());
  const { end, until, told } = breakerOf(t, { trial, trialLimitMs: 5 });
  end('failure', 4);
  await until('closed');
  assert.deepEqual(told, ['open', 'trying', 'open', 'trying', 'closed']);
});

test('every trial of several must succeed, one after the other', async t => {
  const outcomes = [true, true, false, true, true, true];
  let made = 0;
  const trial = async () => {
    if (!outcomes[made++]) throw new Error('not yet');
  };
  const { end, until, told } = breakerOf(t, { trial, trials: 3 });
  end('failure', 4);
  await until('closed');
  assert.deepEqual([told, made], [['open', 'trying', 'open', 'trying', 'closed'], 6]);
});

test('the open time doubles while trials fail, and begins anew after it stayed closed', async t => {
  let isWell = false;
  const trial = async () => {
    if (!isWell) throw new Error('still ill');
  };
  const { breaker, end, until, clock } = breakerOf(t, { trial });
  end('failure', 4);
  assert.equal(breaker.view().nextTrialMs, 5);
  await until('open');
  assert.equal(breaker.view().nextTrialMs, 10);
  isWell = true;
  await until('closed');
  end('failure', 4);
  assert.equal(breaker.view().nextTrialMs, 20, 'it was closed for no time');
  await until('closed');
  clock.now += 100;
  end('failure', 4);
  assert.equal(breaker.view().nextTrialMs, 5);
});

test('what is older than the window does not count', t => {
  const { breaker, end, clock } = breakerOf(t);
  end('failure', 3);
  clock.now += 101;
  end('failure', 3);
  assert.deepEqual([breaker.isClosed, breaker.view().failures], [true, 3]);
  clock.now += 50;
  end('failure');
  assert.equal(breaker.isClosed, false);
});

test('too many slow calls open it', t => {
  const { breaker, end } = breakerOf(t, { slow: { callMs: 10, share: 0.75 } });
  end('success', 1, 10);
  end('success', 2, 11);
  assert.equal(breaker.isClosed, true);
  end('success', 1, 11);
  assert.equal(breaker.view().reason, '3 of 4 runs took longer than 10 ms');
});

test('one that tries first opens only when the trial fails too', async t => {
  let isWell = true;
  const trial = async () => {
    if (!isWell) throw new Error('ill');
  };
  const { breaker, end, told } = breakerOf(t, { trial, triesFirst: true, openMs: 60_000 });
  end('failure', 4);
  await turn();
  assert.deepEqual([told, breaker.view().calls], [[], 0]);
  isWell = false;
  end('failure', 4);
  await turn();
  assert.deepEqual([told, breaker.view().reason], [['open'], '4 of 4 runs failed']);
});

test('a doubt that was dropped opens nothing', async t => {
  const trial = () => Promise.reject(new Error('ill'));
  const { breaker, told } = breakerOf(t, { trial });
  const doubt = breaker.doubt('it may be broken');
  breaker.dropDoubt();
  await doubt;
  assert.deepEqual(told, []);
  await breaker.doubt('it may be broken');
  assert.deepEqual([told[0], breaker.view().reason], ['open', 'it may be broken']);
});

test('where nothing can be tried nothing opens, until something can', async t => {
  let can = false;
  const trial = () => Promise.reject(new Error('ill'));
  const { breaker, end, told } = breakerOf(t, { trial, triesFirst: true, canTry: () => can, openMs: 60_000 });
  end('failure', 4);
  await turn();
  assert.deepEqual(told, []);
  can = true;
  breaker.judge();
  await turn();
  assert.deepEqual(told, ['open']);
});

test('opened by hand it makes no trial and stays open until it is closed by hand', async t => {
  let trials = 0;
  const { breaker, end } = breakerOf(t, {
    trial: async () => {
      trials++;
    },
  });
  breaker.open('maintenance');
  await new Promise(resolve => setTimeout(resolve, 30));
  const { state, reason, nextTrialMs } = breaker.view();
  assert.deepEqual([state, reason, nextTrialMs, trials], ['open', 'maintenance', undefined, 0]);
  breaker.close();
  assert.equal(breaker.isClosed, true);
  end('failure', 4);
  assert.equal(breaker.view().nextTrialMs, 5, 'the hand counts for no opening');
});

test('closed by hand while it tries it stays closed, whatever comes of the trial', async t => {
  const trial = Promise.withResolvers<void>();
  const { breaker, end, until } = breakerOf(t, { trial: () => trial.promise });
  end('failure', 4);
  await until('trying');
  breaker.close();
  trial.reject(new Error('ill'));
  await turn();
  assert.equal(breaker.isClosed, true);
});

test('run counts how a call ended before its caller knows', async t => {
  const { breaker } = breakerOf(t, { leastCalls: 1 });
  assert.equal(await breaker.run(async () => 7), 7);
  await assert.rejects(
    breaker.run(() => Promise.reject(new Error('failed'))),
    /failed/,
  );
  assert.equal(breaker.isClosed, false);
});

test('whatever happens, it is open only when a window held enough calls of which enough failed', t => {
  const random = uniform(23);
  for (let round = 0; round < 300; round++) {
    const { breaker, end, clock } = breakerOf(t, { openMs: 60_000 });
    const ended: { at: number; failed: boolean }[] = [];
    for (let step = 0; step < 60 && breaker.isClosed; step++) {
      clock.now += Math.floor(random() * 30);
      const outcome = (['success', 'failure', 'neutral'] as const)[Math.floor(random() * 3)] ?? 'neutral';
      end(outcome);
      if (outcome !== 'neutral') ended.push({ at: clock.now, failed: outcome === 'failure' });
      // Buckets are a tenth of the window: what is so near its edge may count or not.
      const within = (ms: number) => ended.filter(({ at }) => clock.now - at <= ms);
      if (!breaker.isClosed) {
        const counted = [90, 95, 100].map(within);
        assert.ok(
          counted.some(calls => calls.length >= 4) && ended.at(-1)?.failed,
          `round ${round}: opened by ${JSON.stringify(counted)}`,
        );
      }
    }
    breaker.shutDown();
  }
});
