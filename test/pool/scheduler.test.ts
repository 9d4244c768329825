import assert from 'node:assert/strict';
import test from 'node:test';
import { chooseNext, type Seats } from '../../src/pool/fair-share.ts';
import { type Flow, type Grant, Scheduler } from '../../src/pool/scheduler.ts';

const seats = (over: Partial<Seats> = {}): Seats => ({
  device: 'cpu',
  weight: 1,
  total: 2,
  inUse: 0,
  open: true,
  ...over,
});

const settle = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

function flowWith(scheduler: Scheduler, over: Partial<Seats> = {}): Flow {
  const flow = scheduler.flow();
  flow.seats.push(seats(over));
  return flow;
}

const choices: readonly {
  name: string;
  free: number;
  contenders: readonly { name: string; virtualMs: number; seats: readonly Seats[] }[];
  chosen: string | undefined;
}[] = [
  { name: 'nobody waits', free: 2, contenders: [], chosen: undefined },
  {
    name: 'the one that consumed least',
    free: 1,
    contenders: [
      { name: 'busy', virtualMs: 9, seats: [seats()] },
      { name: 'quiet', virtualMs: 3, seats: [seats()] },
    ],
    chosen: 'quiet',
  },
  {
    name: 'not one whose instances are all running',
    free: 1,
    contenders: [
      { name: 'full', virtualMs: 0, seats: [seats({ inUse: 2 })] },
      { name: 'free', virtualMs: 9, seats: [seats()] },
    ],
    chosen: 'free',
  },
  {
    name: 'not one whose worker is away',
    free: 1,
    contenders: [
      { name: 'away', virtualMs: 0, seats: [seats({ open: false })] },
      { name: 'here', virtualMs: 9, seats: [seats()] },
    ],
    chosen: 'here',
  },
  {
    name: 'no permit is free',
    free: 0,
    contenders: [{ name: 'a', virtualMs: 0, seats: [seats()] }],
    chosen: undefined,
  },
  {
    name: 'the device waits for the least served, however many threads it needs',
    free: 1,
    contenders: [
      { name: 'wide', virtualMs: 0, seats: [seats({ weight: 2 })] },
      { name: 'narrow', virtualMs: 9, seats: [seats()] },
    ],
    chosen: undefined,
  },
  {
    name: 'the group of instances with the largest free share',
    free: 4,
    contenders: [
      { name: 'a', virtualMs: 0, seats: [seats({ inUse: 1 }), seats({ device: 'gpu:0', total: 1 })] },
    ],
    chosen: 'a',
  },
];

for (const { name, free, contenders, chosen } of choices) {
  test(`chooses: ${name}`, () => {
    const choice = chooseNext(contenders, () => free);
    assert.equal(choice?.contender.name, chosen);
    if (contenders[0]?.seats.length === 2) assert.equal(choice?.seats.device, 'gpu:0');
  });
}

test('never grants inside acquire, nor inside the end of another run', async () => {
  const scheduler = new Scheduler();
  scheduler.setCapacity('cpu', 1);
  const flow = flowWith(scheduler);
  const grants: Grant[] = [];
  flow.acquire(grant => grants.push(grant));
  assert.equal(grants.length, 0);
  await settle();
  assert.equal(grants.length, 1);
  flow.acquire(grant => grants.push(grant));
  grants[0]?.end(1);
  assert.equal(grants.length, 1);
  await settle();
  assert.equal(grants.length, 2);
});

test('a device runs no more batches at once than it has permits, over all versions', async () => {
  const scheduler = new Scheduler();
  scheduler.setCapacity('cpu', 2);
  const running: Grant[] = [];
  for (let model = 0; model < 5; model++) {
    const flow = flowWith(scheduler, { total: 4 });
    for (let run = 0; run < 4; run++) flow.acquire(grant => running.push(grant));
  }
  for (let done = 0; done < 20; ) {
    await settle();
    assert.equal(scheduler.inUse('cpu'), Math.min(2, 20 - done));
    const [grant] = running.splice(0, 1);
    grant?.end(5);
    done++;
  }
  assert.equal(scheduler.inUse('cpu'), 0);
});

test('a version runs no more batches at once than it has instances', async () => {
  const scheduler = new Scheduler();
  scheduler.setCapacity('cpu', 4);
  const flow = flowWith(scheduler, { total: 1 });
  const grants: Grant[] = [];
  flow.acquire(grant => grants.push(grant));
  flow.acquire(grant => grants.push(grant));
  await settle();
  assert.equal(grants.length, 1);
});

test('a run that computes with several threads takes as many permits', async () => {
  const scheduler = new Scheduler();
  scheduler.setCapacity('cpu', 2);
  const wide = flowWith(scheduler, { weight: 2 });
  const narrow = flowWith(scheduler);
  const granted: string[] = [];
  const ends: Grant[] = [];
  wide.acquire(grant => granted.push('wide') && ends.push(grant));
  await settle();
  narrow.acquire(grant => granted.push('narrow') && ends.push(grant));
  await settle();
  assert.deepEqual(granted, ['wide']);
  ends[0]?.end(1);
  await settle();
  assert.deepEqual(granted, ['wide', 'narrow']);
});

/** Keeps `depth` acquires of a flow outstanding; each run consumes `costMs`. Returns the consumed total. */
function keepBusy(flow: Flow, costMs: number, depth: number, running: { end: () => void }[]): { ms: number } {
  const consumed = { ms: 0 };
  const again = (): void => {
    flow.acquire(grant =>
      running.push({
        end: () => {
          consumed.ms += costMs;
          again();
          grant.end(costMs);
        },
      }),
    );
  };
  for (let i = 0; i < depth; i++) again();
  return consumed;
}

test('two versions that always wait get equal engine time, though one has long runs and a deep queue', async () => {
  const scheduler = new Scheduler();
  scheduler.setCapacity('cpu', 1);
  const running: { end: () => void }[] = [];
  const long = keepBusy(flowWith(scheduler), 50, 20, running);
  const short = keepBusy(flowWith(scheduler), 2, 1, running);
  for (let run = 0; run < 600; run++) {
    await settle();
    running.shift()?.end();
  }
  assert.ok(Math.abs(long.ms / short.ms - 1) < 0.15, `${long.ms} ms against ${short.ms} ms`);
});

test('a version that was idle gets no credit for it', async () => {
  const scheduler = new Scheduler();
  scheduler.setCapacity('cpu', 1);
  const running: { end: () => void }[] = [];
  const early = keepBusy(flowWith(scheduler), 10, 2, running);
  for (let run = 0; run < 100; run++) {
    await settle();
    running.shift()?.end();
  }
  const late = keepBusy(flowWith(scheduler), 10, 2, running);
  const before = early.ms;
  for (let run = 0; run < 40; run++) {
    await settle();
    running.shift()?.end();
  }
  assert.ok(Math.abs(early.ms - before - late.ms) <= 20, `${early.ms - before} ms against ${late.ms} ms`);
});

test('a withdrawn request is never granted, and leaves its turn to the next', async () => {
  const scheduler = new Scheduler();
  scheduler.setCapacity('cpu', 1);
  const flow = flowWith(scheduler, { total: 1 });
  const granted: string[] = [];
  const withdraw = flow.acquire(() => granted.push('first'));
  flow.acquire(() => granted.push('second'));
  withdraw();
  await settle();
  assert.deepEqual(granted, ['second']);
  withdraw();
});

test('waits while the worker is away and is granted when it opens', async () => {
  const scheduler = new Scheduler();
  scheduler.setCapacity('cpu', 1);
  const flow = scheduler.flow();
  const away = seats({ open: false });
  flow.seats.push(away);
  let granted = 0;
  flow.acquire(() => granted++);
  await settle();
  assert.equal(granted, 0);
  away.open = true;
  scheduler.wake();
  await settle();
  assert.equal(granted, 1);
});

test('a run that yields its seat lets one more be granted, and frees nothing when it ends', async () => {
  const scheduler = new Scheduler();
  scheduler.setCapacity('cpu', 1);
  const flow = flowWith(scheduler, { total: 1 });
  const grants: Grant[] = [];
  for (let i = 0; i < 4; i++) flow.acquire(grant => grants.push(grant));
  await settle();
  assert.deepEqual([grants.length, flow.free, flow.total], [1, 0, 1]);
  assert.equal(grants[0]?.yieldSeat(), true);
  assert.equal(grants[0]?.yieldSeat(), false, 'only once');
  await settle();
  assert.equal(grants.length, 2);
  assert.equal(grants[1]?.yieldSeat(), false, 'no more runs ahead than instances');
  grants[0]?.end(5);
  await settle();
  assert.equal(grants.length, 2, 'its seat has been given on');
  assert.equal(grants[1]?.yieldSeat(), true);
  grants[1]?.end(5);
  await settle();
  assert.equal(grants.length, 3);
  grants[2]?.end(5);
  await settle();
  assert.equal(grants.length, 4);
  grants[3]?.end(5);
  assert.equal(scheduler.inUse('cpu'), 0);
});

test('another run of a flow goes only to other seats, idle now, and only while nobody waits', async () => {
  const scheduler = new Scheduler();
  scheduler.setCapacity('cpu', 1);
  scheduler.setCapacity('gpu:0', 1);
  const flow = flowWith(scheduler);
  flow.seats.push(seats({ device: 'gpu:0', total: 1 }));
  const first = await new Promise<Grant>(resolve => flow.acquire(resolve));
  const other = flow.tryOther(first.seats);
  assert.equal(other?.seats.device, 'gpu:0');
  assert.equal(flow.tryOther(first.seats), undefined, 'its seats are taken');
  other?.end(1);
  flow.acquire(grant => grant.end(0));
  assert.equal(flow.tryOther(first.seats), undefined, 'somebody waits');
  await settle();
  assert.notEqual(flow.tryOther(first.seats), undefined);
  assert.deepEqual([scheduler.inUse('cpu'), scheduler.inUse('gpu:0')], [1, 1]);
});

test('a run that lends its permits keeps its seat, and gives them back to nobody twice', async () => {
  const scheduler = new Scheduler();
  scheduler.setCapacity('cpu', 1);
  const long = flowWith(scheduler, { total: 1 });
  const other = flowWith(scheduler);
  const first = await new Promise<Grant>(resolve => long.acquire(resolve));
  const granted: Grant[] = [];
  other.acquire(grant => granted.push(grant));
  await settle();
  assert.equal(granted.length, 0, 'its core is taken');
  first.lendPermits();
  first.lendPermits();
  await settle();
  assert.equal(granted.length, 1);
  assert.deepEqual([long.free, scheduler.inUse('cpu'), first.yieldSeat()], [0, 1, false]);
  first.end(1);
  assert.equal(scheduler.inUse('cpu'), 1);
  granted[0]?.end(1);
  assert.deepEqual([scheduler.inUse('cpu'), long.free], [0, 1]);
});
