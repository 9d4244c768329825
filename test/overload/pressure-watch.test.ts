import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { createEvents } from '../../src/events.ts';
import { memoryShareOf } from '../../src/overload/memory-in-use.ts';
import { PressureWatch } from '../../src/overload/pressure-watch.ts';
import { Pressure } from '../../src/pressure.ts';

const LOOK_MS = 250;

function watched(t: TestContext) {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const pressure = new Pressure();
  const events = createEvents();
  const changes: string[] = [];
  events.on('pressure:changed', ({ step, isOff }) => changes.push(`${step} ${isOff ? 'off' : 'on'}`));
  const senses = { memory: 0.1, now: 0 };
  const watch = new PressureWatch(pressure, events, {
    memoryShare: () => senses.memory,
    now: () => senses.now,
  });
  t.after(() => watch.close());
  /** So many looks, each so late. */
  const look = (times: number, lateMs = 0): void => {
    for (let i = 0; i < times; i++) {
      senses.now += LOOK_MS + lateMs;
      t.mock.timers.tick(LOOK_MS);
    }
  };
  return { pressure, watch, senses, changes, look };
}

test('with memory short it gives up one thing at each look, and takes them up again in the other order', t => {
  const { pressure, senses, changes, look } = watched(t);
  look(3);
  assert.equal(pressure.taken, 0);
  senses.memory = 0.96;
  look(5);
  assert.deepEqual(changes, ['hedging off', 'cache-writes off', 'low-priority off', 'connections off']);
  senses.memory = 0.2;
  look(5);
  assert.deepEqual(changes.slice(4), ['connections on', 'low-priority on', 'cache-writes on', 'hedging on']);
});

test('a loop that stays late is short of time; one long turn, or two, are nothing', t => {
  const { pressure, watch, changes, look } = watched(t);
  look(5);
  look(1, 10_000);
  look(1, 500);
  look(4);
  assert.deepEqual(changes, []);
  look(3, 30);
  assert.deepEqual(changes, ['hedging off']);
  assert.equal(watch.strain.loopDelayMs, 30);
  look(3, 0);
  assert.equal(pressure.taken, 0);
});

test('closed, it looks no more', t => {
  const { pressure, watch, senses, look } = watched(t);
  watch.close();
  senses.memory = 1;
  look(3);
  assert.equal(pressure.taken, 0);
});

/** A machine's files, as far as they are read. */
function files(t: TestContext, contents: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(path.join(tmpdir(), 'headgate-test-'));
  t.after(() => rmSync(root, { recursive: true }));
  for (const [name, text] of Object.entries(contents)) {
    mkdirSync(path.join(root, path.dirname(name)), { recursive: true });
    writeFileSync(path.join(root, name), text);
  }
  return root;
}

const MACHINE = 'MemTotal:       1000 kB\nMemFree:  1 kB\nMemAvailable:    150 kB\n';
const near = (a: number, b: number): void => assert.ok(Math.abs(a - b) < 1e-9, `${a}, not ${b}`);

test('of a container with a limit its own memory counts, without files that are only cached', t => {
  const root = files(t, {
    'proc/meminfo': MACHINE,
    'proc/self/cgroup': '0::/pod/one\n',
    'sys/fs/cgroup/pod/one/memory.max': '1000\n',
    'sys/fs/cgroup/pod/one/memory.current': '980\n',
    'sys/fs/cgroup/pod/one/memory.stat': 'anon 5\ninactive_file 60\nactive_file 7\n',
  });
  near(memoryShareOf(root)(), 0.913);
});

test('without a limit the machine counts', t => {
  const group = { 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/memory.max': 'max\n' };
  near(memoryShareOf(files(t, { 'proc/meminfo': MACHINE, ...group }))(), 0.85);
  near(memoryShareOf(files(t, { 'proc/meminfo': MACHINE }))(), 0.85);
});

test('where the system tells nothing the heap counts, and on this one something is in use', t => {
  const heap = memoryShareOf(files(t, {}))();
  assert.ok(heap > 0 && heap < 0.8, `${heap}`);
  const here = memoryShareOf()();
  assert.ok(here > 0 && here < 1, `${here}`);
});
