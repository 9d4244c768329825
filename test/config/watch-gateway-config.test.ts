import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { type LoadedGatewayConfig, loadGatewayConfig } from '../../src/config/gateway-config.ts';
import { watchGatewayConfig } from '../../src/config/watch-gateway-config.ts';
import { createEvents } from '../../src/events.ts';

function watched(t: TestContext, text: string, settleMs = 5, pollMs = 20) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'headgate-config-'));
  const file = path.join(folder, 'headgate.yaml');
  const write = (content: string): void => writeFileSync(file, content);
  const events = createEvents();
  const refused: string[] = [];
  events.on('config:refused', ({ message }) => refused.push(message));
  const configs: LoadedGatewayConfig[] = [];
  let told = Promise.withResolvers<LoadedGatewayConfig>();
  const start = () =>
    watchGatewayConfig(
      file,
      { fileText: text },
      events,
      loaded => {
        configs.push(loaded);
        told.resolve(loaded);
        told = Promise.withResolvers();
      },
      { settleMs, pollMs },
    );
  let watch: ReturnType<typeof start> | undefined;
  t.after(async () => {
    await watch?.close();
    rmSync(folder, { recursive: true });
  });
  return {
    ...{ folder, file, write, refused, configs },
    start: () => {
      watch = start();
      return watch;
    },
    next: () => told.promise,
  };
}

test('a changed file is loaded without being asked', async t => {
  const { write, start, next } = watched(t, 'log: { level: info }\n');
  write('log: { level: info }\n');
  start();
  const changed = next();
  write('log: { level: debug }\n');
  assert.equal((await changed).config.log.level, 'debug');
});

test('a ConfigMap that is swapped by its symlink is loaded', async t => {
  const { folder, file, start, next } = watched(t, 'log: { level: info }\n');
  for (const [at, level] of [
    ['..1', 'info'],
    ['..2', 'warn'],
  ] as const) {
    mkdirSync(path.join(folder, at));
    writeFileSync(path.join(folder, at, 'headgate.yaml'), `log: { level: ${level} }\n`);
  }
  symlinkSync('..1', path.join(folder, '..data'));
  symlinkSync('..data/headgate.yaml', file);
  start();
  const changed = next();
  symlinkSync('..2', path.join(folder, '..data_tmp'));
  renameSync(path.join(folder, '..data_tmp'), path.join(folder, '..data'));
  assert.equal((await changed).config.log.level, 'warn');
});

test('a hundred bad, truncated and empty files, in place and by rename, never change what is in force', async t => {
  const good = 'http: { port: 9000, host: "127.0.0.1" }\nlog: { level: "warn" }\n';
  const { file, write, start, configs, refused } = watched(t, good, 1_000_000);
  write(good);
  const watch = start();
  const bad = [
    '',
    'log: { level: loud }\n',
    'nonsense: 1\n',
    '- a\n',
    good.slice(0, 20),
    good.slice(0, -5),
    'http: {{{\n',
  ];
  for (let i = 0; i < 100; i++) {
    const text = `${bad[i % bad.length]}`;
    if (i % 2 === 0) write(text);
    else {
      writeFileSync(`${file}.new`, text);
      renameSync(`${file}.new`, file);
    }
    await watch.check();
  }
  assert.equal(configs.length, 0);
  assert.equal(refused.length, 100);
  write(good);
  await watch.check();
  assert.deepEqual(
    configs.map(({ config }) => config.log.level),
    ['warn'],
  );
  assert.deepEqual(configs[0]?.config, loadGatewayConfig({ fileText: good, file }).config);
});

test('a file of the same content is not loaded again', async t => {
  const { file, write, start, configs } = watched(t, 'log: { level: info }\n', 1_000_000);
  write('log: { level: info }\n');
  const watch = start();
  writeFileSync(`${file}.new`, 'log: { level: info }\n');
  renameSync(`${file}.new`, file);
  await watch.check();
  assert.equal(configs.length, 0);
});

test('a file counts when two looks have seen the same in it, so a half-written one never does', async t => {
  const { write, start, configs } = watched(t, 'log: { level: info }\n', 1_000_000, 1_000_000);
  write('log: { level: info }\n');
  const watch = start();
  const whole = 'log: { level: warn }\nhttp: { port: 9000 }\n';
  for (const length of [21, 30, whole.length]) {
    write(whole.slice(0, length));
    await watch.look();
    assert.equal(configs.length, 0);
  }
  await watch.look();
  assert.deepEqual(
    configs.map(({ config }) => config.http.port),
    [9000],
  );
});
