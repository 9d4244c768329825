import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { constants, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { createEvents, type Events } from '../../src/events.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { logEvents } from '../../src/telemetry/log-events.ts';
import { requestDone } from './sample-events.ts';

type Line = Readonly<Record<string, unknown>>;

function start(t: TestContext): { events: Events; lines: Line[]; stop: () => void } {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const lines: Line[] = [];
  const log = createLog({ level: 'info', destination: { write: line => void lines.push(JSON.parse(line)) } });
  const events = createEvents();
  return { events, lines, stop: logEvents(events, log.logger) };
}

test('versions, workers and refused configurations each make a line', t => {
  const { events, lines } = start(t);
  events.emit('version:changed', { model: 'digits', version: '1', state: 'READY', reason: '' });
  events.emit('version:changed', {
    model: 'digits',
    version: '2',
    state: 'UNAVAILABLE',
    reason: 'bad graph',
  });
  events.emit('worker:changed', { worker: 'cpu', state: 'exited', pid: 7, detail: 'SIGKILL' });
  events.emit('worker:changed', { worker: 'cpu', state: 'exited', pid: 7, detail: 'stopped' });
  events.emit('config:refused', { source: 'models/digits/config.yaml', message: 'sloMs: expected a number' });
  assert.deepEqual(
    lines.map(({ time, ...line }) => line),
    [
      { level: 30, model: 'digits', version: '1', state: 'READY', msg: 'version ready' },
      {
        level: 40,
        model: 'digits',
        version: '2',
        state: 'UNAVAILABLE',
        reason: 'bad graph',
        msg: 'version unavailable',
      },
      { level: 40, worker: 'cpu', state: 'exited', pid: 7, detail: 'SIGKILL', msg: 'worker exited' },
      { level: 30, worker: 'cpu', state: 'exited', pid: 7, detail: 'stopped', msg: 'worker exited' },
      {
        level: 50,
        source: 'models/digits/config.yaml',
        reason: 'sloMs: expected a number',
        msg: 'configuration refused, the old one stays',
      },
    ],
  );
});

test("only failures of the server's own make lines, so many per window, and the rest one line at its end", t => {
  const { events, lines } = start(t);
  for (const outcome of ['ok', 'invalid', 'overloaded', 'cancelled', 'not-found'] as const)
    events.emit('request:done', requestDone({ outcome }));
  assert.equal(lines.length, 0);
  for (let i = 0; i < 25; i++) events.emit('request:done', requestDone({ outcome: 'unavailable' }));
  assert.equal(lines.length, 10);
  t.mock.timers.tick(10_000);
  assert.equal(lines.length, 11);
  assert.equal(lines[10]?.['suppressed'], 15);
  events.emit('request:done', requestDone({ outcome: 'model-failed' }));
  assert.equal(lines.at(-1)?.['outcome'], 'model-failed');
});

test('what was left out is told at the end too', t => {
  const { events, lines, stop } = start(t);
  for (let i = 0; i < 12; i++) events.emit('request:done', requestDone({ outcome: 'internal' }));
  stop();
  assert.equal(lines.at(-1)?.['suppressed'], 2);
});

test('a long or forged reason stays one line of bounded length', t => {
  const { events, lines } = start(t);
  const reason = `x\n{"level":60}${'y'.repeat(5000)}`;
  events.emit('version:changed', { model: 'm', version: '1', state: 'UNAVAILABLE', reason });
  assert.equal(lines.length, 1);
  assert.equal(String(lines[0]?.['reason']).length, 1001);
});

test('lines wait in memory and reach the descriptor on close', async t => {
  const file = newFile(t);
  const log = createLog({ level: 'info', destination: openSync(file, 'a') });
  log.logger.info('first');
  log.logger.debug('below the level');
  await log.close();
  log.logger.info('after it was closed');
  const lines = readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line).msg);
  assert.deepEqual(lines, ['first']);
});

test('a log that nobody reads drops lines, says so, and is closed all the same', {
  timeout: 30_000,
}, async t => {
  const fifo = newFile(t);
  execFileSync('mkfifo', [fifo]);
  // Open for reading too, so that writing does not fail: it is just never read.
  const unread = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
  let dropped = 0;
  const log = createLog({ level: 'info', destination: unread, dropped: () => dropped++ });
  while (dropped === 0) log.logger.info('x'.repeat(10_000));
  await log.close();
});

test('a log whose disk is full is closed all the same', { timeout: 30_000 }, async () => {
  const log = createLog({ level: 'info', destination: openSync('/dev/full', 'w') });
  log.logger.info('no space for it');
  await log.close();
});

function newFile(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'headgate-log-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return path.join(folder, 'log');
}
