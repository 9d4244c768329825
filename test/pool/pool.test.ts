import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { getPriority } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { createEvents } from '../../src/events.ts';
import { Pool } from '../../src/pool/pool.ts';
import { sweepSocketDirectories } from '../../src/pool/socket-directory.ts';
import { COMMAND, writeFakeModel } from './fake-model.ts';
import {
  ask,
  FAKE_WORKER,
  isAlive,
  nextChange,
  rowOf,
  runRow,
  slotOf,
  socketOf,
  specOf,
  startPool,
} from './running-pool.ts';

const ownerScript = fileURLToPath(new URL('pool-owner.ts', import.meta.url));

interface Seen {
  readonly mostRunning: number;
  readonly batches: readonly { readonly model: string; readonly rows: number; readonly instance: number }[];
}

const seenBy = async (folder: string, worker: string): Promise<Seen> =>
  (await ask(socketOf(folder, worker), 'GET', '/v2/worker'))['seen'] as Seen;

test('loads a version and answers with its rows, their shape and the engine time', async t => {
  const { pool, folder } = await startPool(t);
  const loaded = await pool.load(specOf(writeFakeModel(folder, 'echo')));
  assert.deepEqual(loaded.signature.inputs, [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }]);
  assert.deepEqual(
    [loaded.maxBatchSize, loaded.verification.kind, loaded.deterministic],
    [4, 'verified', true],
  );
  assert.deepEqual([loaded.warmed, loaded.instances], [[1, 2, 4], 2]);
  const slot = await slotOf(loaded.executor);
  const { outputs, inferMs } = await slot.execute(rowOf(3, 4));
  assert.deepEqual([outputs[0]?.name, outputs[0]?.shape, inferMs], ['y', [1, 2], 1.5]);
});

test('every size was run on every instance of the real worker before load resolved', async t => {
  const { pool, folder } = await startPool(t);
  await pool.load(specOf(writeFakeModel(folder, 'echo')));
  const { batches } = await seenBy(folder, 'cpu');
  const warmed = new Set(batches.map(({ rows, instance }) => `${rows} on ${instance}`));
  assert.deepEqual([...warmed].sort(), ['1 on 0', '1 on 1', '2 on 0', '2 on 1', '4 on 0', '4 on 1']);
});

test('what each size took is told for each kind of instance', async t => {
  const { pool, folder } = await startPool(t);
  const group = { kind: 'cpu', count: 1, intraOpThreads: 1, device: 0 } as const;
  const instances = [group, { ...group, intraOpThreads: 2 }];
  const loaded = await pool.load(specOf(writeFakeModel(folder, 'echo'), { instances }));
  assert.deepEqual(loaded.kinds, ['cpu', 'cpu×2']);
  assert.deepEqual(
    loaded.measured.map(({ kind, rows, inferMs }) => [kind, rows, inferMs]),
    loaded.kinds.flatMap(kind => [1, 2, 4].map(rows => [kind, rows, 1.5])),
  );
  assert.ok(loaded.measured.every(({ roundTripMs }) => roundTripMs > 0));
});

test('a new worker is warmed with one run of each size: only the first measures', async t => {
  const { pool, folder, events } = await startPool(t, { cores: 1 });
  const { executor } = await pool.load(specOf(writeFakeModel(folder, 'echo')));
  const ofFour = async (): Promise<number> =>
    (await seenBy(folder, 'cpu')).batches.filter(({ rows }) => rows === 4).length;
  assert.ok((await ofFour()) >= 2);
  const ready = nextChange(events, ({ state }) => state === 'ready');
  process.kill(pool.view()[0]?.pid ?? 0, 'SIGKILL');
  await ready;
  await runRow(executor, 1, 2);
  assert.equal(await ofFour(), 1);
});

test('a large single part and many small ones arrive whole', async t => {
  const { pool, folder } = await startPool(t);
  const wide = await pool.load(specOf(writeFakeModel(folder, 'wide', { dims: [-1, 500_000] })));
  const values = Array.from({ length: 500_000 }, (_, i) => i % 1000);
  assert.deepEqual(await runRow(wide.executor, ...values.slice(0, 1)), values.slice(0, 1));
  const part = new Uint8Array(Float32Array.from(values).buffer);
  const slot = await slotOf(wide.executor);
  const inputs = [{ name: 'x', datatype: 'FP32', shape: [2, 500_000], parts: [part, part] }] as const;
  const { outputs } = await slot.execute({ inputs, outputs: undefined, rows: 2 });
  assert.equal(Buffer.compare(outputs[0]?.data ?? part, Buffer.concat([part, part])), 0);
});

test('no more runs at once than cores, whatever the models have for instances', async t => {
  const { pool, folder } = await startPool(t);
  const specs = ['a', 'b', 'c'].map(name => specOf(writeFakeModel(folder, name, { runMs: 3 })));
  const loaded = await Promise.all(specs.map(spec => pool.load(spec)));
  await Promise.all(
    loaded.flatMap(({ executor }) => Array.from({ length: 8 }, () => runRow(executor, 1, 2))),
  );
  const { mostRunning } = await seenBy(folder, 'cpu');
  assert.equal(mostRunning, 2);
});

test('a model whose rows depend on each other is refused when it is to be batched, and left unbatched otherwise', async t => {
  const { pool, folder } = await startPool(t);
  const file = writeFakeModel(folder, 'softmax', { behaviour: 'softmaxOverBatch' });
  await assert.rejects(pool.load(specOf(file, { maxBatchSize: 8 })), {
    code: 'invalid',
    message: /output 'y'.*set maxBatchSize/,
  });
  const loaded = await pool.load(specOf(file));
  assert.equal(loaded.maxBatchSize, 0);
});

test('what the model says of its own failure is passed on, and frees its slot', async t => {
  const { pool, folder } = await startPool(t);
  const { executor } = await pool.load(specOf(writeFakeModel(folder, 'echo')));
  for (let i = 0; i < 5; i++) {
    await assert.rejects(runRow(executor, COMMAND.fail, 0), {
      code: 'model-failed',
      message: 'index out of range',
    });
  }
  assert.deepEqual(await runRow(executor, 1, 2), [1, 2]);
});

test('an odd answer fails its own run and keeps no version from working', async t => {
  const { pool, folder } = await startPool(t);
  const { executor } = await pool.load(specOf(writeFakeModel(folder, 'echo')));
  const other = await pool.load(specOf(writeFakeModel(folder, 'other')));
  const odd = [
    [COMMAND.noLength, 'model-failed', /a length of none/],
    [COMMAND.tooLong, 'model-failed', /a length of 1099511627776: expected at most/],
    [COMMAND.unknown, 'worker-failed', /does not have this version/],
  ] as const;
  for (const [command, code, message] of odd) {
    await assert.rejects(runRow(executor, command, 0), { code, message });
    assert.deepEqual([executor.unableSinceMs, other.executor.unableSinceMs], [undefined, undefined]);
  }
  assert.deepEqual(await runRow(executor, 1, 2), [1, 2]);
});

test('a slot that is given back unused can be had again', async t => {
  const { pool, folder } = await startPool(t, { cores: 1 });
  const { executor } = await pool.load(specOf(writeFakeModel(folder, 'echo')));
  for (let i = 0; i < 3; i++) (await slotOf(executor)).release();
  assert.deepEqual(await runRow(executor, 1, 2), [1, 2]);
});

test('a file that is no model fails its own load with the worker’s words', async t => {
  const { pool, folder } = await startPool(t);
  const file = writeFakeModel(folder, 'broken', { onLoad: 'fail' });
  await assert.rejects(pool.load(specOf(file)), { code: 'model-failed', message: 'the file is no model' });
});

test('a model that crashes or hangs while loading fails alone; others neither notice nor wait', async t => {
  const { pool, folder, changes } = await startPool(t, { loadTimeoutMs: 3000 });
  const { executor } = await pool.load(specOf(writeFakeModel(folder, 'good')));
  const crash = pool.load(specOf(writeFakeModel(folder, 'crash', { onLoad: 'crash' })));
  const hang = pool.load(specOf(writeFakeModel(folder, 'hang', { onLoad: 'hang' })));
  await assert.rejects(crash, {
    code: 'model-failed',
    message: 'the model took its worker process down (SIGSEGV) while loading',
  });
  assert.deepEqual(await runRow(executor, 1, 2), [1, 2]);
  await assert.rejects(hang, { message: /stopped after 3000 ms.*while loading/ });
  assert.deepEqual(await runRow(executor, 1, 2), [1, 2]);
  assert.deepEqual(
    changes.filter(({ worker }) => worker === 'cpu').map(({ state }) => state),
    ['starting', 'ready'],
  );
});

test('when a worker dies, what it ran rejects at once, and it comes back with its versions warm', async t => {
  const { pool, folder, events, changes } = await startPool(t);
  const { executor } = await pool.load(specOf(writeFakeModel(folder, 'echo')));
  const other = await pool.load(specOf(writeFakeModel(folder, 'other')));
  const held = runRow(executor, COMMAND.hold, 0);
  const exited = nextChange(events, ({ state }) => state === 'exited');
  const crashed = runRow(other.executor, COMMAND.crash, 0);
  const gone = { code: 'worker-failed', retryAfterMs: 1000 };
  await Promise.all([held, crashed].map(lost => assert.rejects(lost, gone)));
  assert.equal((await exited).detail, 'SIGSEGV');
  assert.deepEqual(await runRow(executor, 5, 6), [5, 6]);
  assert.deepEqual(await runRow(other.executor, 7, 8), [7, 8]);
  const { batches } = await seenBy(folder, 'cpu');
  assert.equal(batches.filter(({ instance }) => instance >= 0).length, 12);
  assert.deepEqual(
    changes.map(({ state, detail }) => `${state} ${detail}`.trim()),
    ['starting', 'ready', 'exited SIGSEGV', 'waiting 0', 'starting', 'ready'],
  );
});

test('a worker killed again and again always comes back, and no answer is wrong', async t => {
  const { pool, folder } = await startPool(t);
  const { executor } = await pool.load(specOf(writeFakeModel(folder, 'echo', { runMs: 1 })));
  for (let kill = 0; kill < 3; kill++) {
    const runs = Array.from({ length: 20 }, async (_, i) => {
      const values = await runRow(executor, i, kill).catch(() => undefined);
      if (values !== undefined) assert.deepEqual(values, [i, kill]);
    });
    const pid = pool.view()[0]?.pid;
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
    await Promise.all(runs);
  }
  assert.deepEqual(await runRow(executor, 1, 2), [1, 2]);
});

test('a version knows since when no worker can run it', async t => {
  const { pool, folder, events } = await startPool(t);
  const { executor } = await pool.load(specOf(writeFakeModel(folder, 'echo')));
  assert.equal(executor.unableSinceMs, undefined);
  const before = performance.now();
  const exited = nextChange(events, ({ state }) => state === 'exited');
  process.kill(pool.view()[0]?.pid ?? 0, 'SIGKILL');
  await exited;
  const sinceMs = executor.unableSinceMs ?? 0;
  assert.ok(sinceMs >= before && sinceMs <= performance.now());
  await nextChange(events, ({ state }) => state === 'ready');
  assert.equal(executor.unableSinceMs, sinceMs);
  await runRow(executor, 1, 2);
  assert.equal(executor.unableSinceMs, undefined);
});

test('a version that fails to warm up on a new worker is tried again', { timeout: 20_000 }, async t => {
  const { pool, folder, events, lines } = await startPool(t);
  const failsOnceFor = path.join(folder, 'fail');
  const { executor } = await pool.load(specOf(writeFakeModel(folder, 'echo', { failsOnceFor })));
  writeFileSync(failsOnceFor, '');
  const exited = nextChange(events, ({ state }) => state === 'exited');
  process.kill(pool.view()[0]?.pid ?? 0, 'SIGKILL');
  await exited;
  assert.deepEqual(await runRow(executor, 1, 2), [1, 2]);
  const failures = lines.filter(line => line.includes('could not be loaded again'));
  assert.deepEqual(failures, ['cpu: echo version 1 could not be loaded again: index out of range']);
});

test('a run that hangs ends with its worker, which comes back', async t => {
  const { pool, folder, lines } = await startPool(t, { hungAfterMs: 300 });
  const { executor } = await pool.load(specOf(writeFakeModel(folder, 'echo')));
  await assert.rejects(runRow(executor, COMMAND.hold, 0), { code: 'worker-failed' });
  assert.deepEqual(await runRow(executor, 1, 2), [1, 2]);
  assert.ok(lines.includes('cpu: a run of echo version 1 hangs: its worker is killed'));
});

test('a run that its version lets take long does not hang', async t => {
  const { pool, folder, lines } = await startPool(t, { hungAfterMs: 300 });
  const patient = await pool.load(specOf(writeFakeModel(folder, 'patient'), { longestRunMs: 600_000 }));
  const other = await pool.load(specOf(writeFakeModel(folder, 'other')));
  const runs = [patient, other].map(({ executor }) => runRow(executor, COMMAND.hold, 0));
  await Promise.all(runs.map(run => assert.rejects(run, { code: 'worker-failed' })));
  const killed = lines.filter(line => line.includes('is killed'));
  assert.deepEqual(killed, ['cpu: a run of other version 1 hangs: its worker is killed']);
});

test('a worker whose process stands still is replaced', async t => {
  const { pool, folder, events, lines } = await startPool(t, { lookEveryMs: 200 });
  const { executor } = await pool.load(specOf(writeFakeModel(folder, 'echo')));
  const exited = nextChange(events, ({ state }) => state === 'exited');
  process.kill(pool.view()[0]?.pid ?? 0, 'SIGSTOP');
  assert.equal((await exited).detail, 'SIGKILL');
  assert.deepEqual(await runRow(executor, 1, 2), [1, 2]);
  assert.ok(lines.includes('cpu: the process does not answer: its worker is killed'));
});

test('a dedicated model has a process of its own, which dies with it alone', async t => {
  const { pool, folder } = await startPool(t);
  const shared = await pool.load(specOf(writeFakeModel(folder, 'shared')));
  const alone = await pool.load(specOf(writeFakeModel(folder, 'alone'), { isolation: 'dedicated' }));
  const pids = pool.view().map(({ pid }) => pid);
  assert.equal(new Set(pids).size, 2);
  const held = runRow(shared.executor, COMMAND.hold, 0);
  await assert.rejects(runRow(alone.executor, COMMAND.crash, 0), { code: 'worker-failed' });
  await ask(socketOf(folder, 'cpu'), 'POST', '/release');
  assert.deepEqual(await held, [COMMAND.hold, 0]);
  assert.deepEqual(await runRow(alone.executor, 1, 2), [1, 2]);
  const own = pool.view()[1]?.pid ?? 0;
  await alone.unload();
  assert.equal(isAlive(own), false);
  assert.deepEqual(
    pool.view().map(({ name }) => name),
    ['cpu'],
  );
});

test('a version that alone can have crashed the shared worker gets one of its own', async t => {
  const { pool, folder, events } = await startPool(t);
  const good = await pool.load(specOf(writeFakeModel(folder, 'good')));
  const bad = await pool.load(specOf(writeFakeModel(folder, 'bad')));
  await assert.rejects(runRow(bad.executor, COMMAND.crash, 0), { code: 'worker-failed' });
  assert.deepEqual(await runRow(bad.executor, 1, 2), [1, 2]);
  assert.deepEqual(await runRow(good.executor, 1, 2), [1, 2]);
  assert.deepEqual(
    pool.view().map(({ models }) => models.map(({ model }) => model)),
    [['good'], ['bad']],
  );
  const held = runRow(good.executor, COMMAND.hold, 0);
  const exited = nextChange(events, ({ state }) => state === 'exited');
  await assert.rejects(runRow(bad.executor, COMMAND.crash, 0), { code: 'worker-failed' });
  assert.match((await exited).worker, /bad/);
  await ask(socketOf(folder, 'cpu'), 'POST', '/release');
  assert.deepEqual(await held, [COMMAND.hold, 0]);
});

test('unloading waits for what runs, then frees the version on the worker', async t => {
  const { pool, folder } = await startPool(t);
  const loaded = await pool.load(specOf(writeFakeModel(folder, 'echo')));
  const slot = await slotOf(loaded.executor);
  const held = slot.execute(rowOf(COMMAND.hold, 0));
  const unloaded = loaded.unload();
  await ask(socketOf(folder, 'cpu'), 'POST', '/release');
  assert.equal((await held).outputs.length, 1);
  await unloaded;
  assert.deepEqual((await ask(socketOf(folder, 'cpu'), 'GET', '/v2/worker'))['models'], []);
  assert.deepEqual(pool.view()[0]?.models, []);
});

test('replaced content of the same version runs beside what it replaces', async t => {
  const { pool, folder } = await startPool(t);
  const before = await pool.load(specOf(writeFakeModel(folder, 'echo')));
  const after = await pool.load(specOf(writeFakeModel(folder, 'echo', { behaviour: 'softmaxOverBatch' })));
  assert.deepEqual(await runRow(before.executor, 3, 4), [3, 4]);
  assert.deepEqual(await runRow(after.executor, 3, 4), [1, 1]);
});

test('shows its workers, their memory and what they host', async t => {
  const { pool, folder } = await startPool(t);
  await pool.load(specOf(writeFakeModel(folder, 'echo')));
  const [view] = pool.view();
  assert.deepEqual([view?.name, view?.state], ['cpu', 'ready']);
  assert.deepEqual(view?.models, [{ model: 'echo', version: '1', instances: 2 }]);
  assert.ok((view?.rssBytes ?? 0) > 1e6);
});

test("the worker's own output is passed on, with telemetry off", async t => {
  const { pool, folder, lines } = await startPool(t);
  await pool.load(specOf(writeFakeModel(folder, 'echo')));
  assert.ok(lines.includes('cpu: telemetry 1 1'), lines.join('; '));
});

test('workers stand as far behind as they are told, those that examine five further', async t => {
  for (const [niceness, scratch] of [
    [3, 8],
    [17, 19],
  ] as const) {
    const before = childrenOf(process.pid);
    const { pool, folder } = await startPool(t, { niceness });
    await pool.load(specOf(writeFakeModel(folder, 'echo')));
    const own = childrenOf(process.pid).filter(pid => !before.includes(pid));
    assert.deepEqual(own.map(pid => getPriority(pid)).sort(byNumber), [niceness, scratch]);
  }
});

test('a worker that cannot be started fails the start, in words', async t => {
  const command = { file: process.execPath, args: ['--eval', 'process.exit(3)', '--'] };
  await assert.rejects(startPool(t, { workerCommand: command }), {
    message: /ended before it was ready \(exit code 3\)/,
  });
  await assert.rejects(startPool(t, { workerCommand: { file: '/nowhere', args: [] } }), {
    message: /could not be started/,
  });
});

test('after close no process, no socket and no directory is left, and what was in flight has rejected', async t => {
  const { pool, folder } = await startPool(t);
  const { executor } = await pool.load(specOf(writeFakeModel(folder, 'echo')));
  const held = runRow(executor, COMMAND.hold, 0);
  await slotOf(executor);
  const pids = childrenOf(process.pid);
  assert.ok(pids.length >= 2, 'a slot worker and an idle scratch');
  const rejected = assert.rejects(held, { code: 'worker-failed' });
  await pool.close();
  await rejected;
  assert.deepEqual(pids.filter(isAlive), []);
  assert.deepEqual(
    readdirSync(folder).filter(name => name.startsWith('headgate-')),
    [],
  );
  await assert.rejects(pool.load(specOf(`${folder}/echo.json`)), { code: 'unavailable' });
});

test('a pool that is closed while it starts leaves no process and no directory', async t => {
  const { folder } = await startPool(t);
  const parent = path.join(folder, 'other');
  mkdirSync(parent);
  const before = childrenOf(process.pid);
  for (const turns of [0, 1, 2, 4, 8]) {
    const pool = new Pool({ cores: 1, workerCommand: FAKE_WORKER, socketParent: parent }, createEvents());
    const started = assert.rejects(pool.start(), { code: 'unavailable' });
    for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
    await pool.close();
    await started;
    assert.deepEqual([childrenOf(process.pid), readdirSync(parent)], [before, []], `after ${turns} turns`);
  }
});

test('workers die with an owner that was killed, and the next start clears its directory away', async t => {
  const { folder } = await startPool(t);
  const model = writeFakeModel(folder, 'echo');
  const parent = path.join(folder, 'other');
  mkdirSync(parent);
  const owner = spawn(process.execPath, [ownerScript, parent, model], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(owner.stdout, 'data')) as [Buffer];
  const [{ pid }] = JSON.parse(line.toString()) as [{ pid: number }];
  assert.ok(isAlive(pid));
  const connection = connect(socketOf(parent, 'cpu'));
  await once(connection, 'connect');
  const workerEnded = once(connection, 'close');
  owner.kill('SIGKILL');
  await once(owner, 'exit');
  await workerEnded;
  // The scratch worker ends on its own time.
  while (socketsIn(parent).length > 0) await new Promise(setImmediate);
  age(parent);
  await sweepSocketDirectories(parent);
  assert.deepEqual(readdirSync(parent), []);
});

test('the directory of an owner that cannot be seen stays while its workers answer, or changed lately', async t => {
  const { folder } = await startPool(t);
  const { pid } = spawnSync(process.execPath, ['--version']);
  const directory = path.join(folder, `headgate-${pid}-abc`);
  mkdirSync(directory);
  await sweepSocketDirectories(folder);
  assert.ok(existsSync(directory), 'an owner that starts');
  const server = createServer().listen(path.join(directory, 'cpu-0.sock'));
  t.after(() => server.close());
  await once(server, 'listening');
  age(folder);
  await sweepSocketDirectories(folder);
  assert.ok(existsSync(directory), 'a worker that answers');
  server.close();
  await once(server, 'close');
  writeFileSync(path.join(directory, 'cpu-0.sock'), '');
  age(folder);
  await sweepSocketDirectories(folder);
  assert.ok(!existsSync(directory));
});

const byNumber = (a: number, b: number): number => a - b;

function socketsIn(parent: string): string[] {
  return readdirSync(parent, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.sock'));
}

/** Makes the socket directories there an hour old. */
function age(parent: string): void {
  const then = Date.now() / 1000 - 3600;
  for (const name of readdirSync(parent))
    if (name.startsWith('headgate-')) utimesSync(path.join(parent, name), then, then);
}

/** Children of this process that live now. */
function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean)
    .map(Number);
}
