import assert from 'node:assert/strict';
import test from 'node:test';
import { ConfigError } from '../../src/config/config-error.ts';
import { declaredOptions } from '../../src/config/environment.ts';
import {
  describeGatewayConfig,
  type GatewaySources,
  keysNeedingRestart,
  loadGatewayConfig,
} from '../../src/config/gateway-config.ts';
import { gatewaySchema } from '../../src/config/gateway-options.ts';

const refusals = (sources: GatewaySources): string[] => {
  try {
    loadGatewayConfig(sources);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.message.split('\n');
  }
  return [];
};
const file = 'config/headgate.yaml';

test('nothing said gives the documented defaults', () => {
  const { config, origins } = loadGatewayConfig({});
  assert.equal(config.http.port, 8000);
  assert.equal(config.admin.port, 8002);
  assert.equal(config.admin.host, '127.0.0.1');
  assert.equal(config.limits.maxBodyBytes, 64 * 1024 * 1024);
  assert.equal(config.limits.maxBodiesBytes, 512 * 1024 * 1024);
  assert.equal(config.overload.status, 429);
  assert.equal(config.admin.token, undefined);
  assert.equal(origins.get('http.port'), 'default');
  assert.equal(origins.get('workers.cpuCores'), 'derived');
});

test('flags hold over the environment, the environment over the file, and each says so', () => {
  const { config, origins } = loadGatewayConfig({
    file,
    fileText: 'http:\n  host: 10.0.0.1\n  port: 9000\nlog: { level: debug }\n',
    env: { HEADGATE_HTTP_PORT: '9001', HEADGATE_LOG_LEVEL: 'warn', HEADGATE_REQUIRED_MODELS: 'a, b' },
    overrides: { 'http.port': 9002 },
  });
  assert.deepEqual(config.http, { host: '10.0.0.1', port: 9002 });
  assert.equal(config.log.level, 'warn');
  assert.deepEqual(config.requiredModels, ['a', 'b']);
  assert.equal(origins.get('http.host'), 'config/headgate.yaml:2');
  assert.equal(origins.get('http.port'), 'command line');
  assert.equal(origins.get('log.level'), 'HEADGATE_LOG_LEVEL');
});

test('every problem of every source is told at once, with place, key and what was expected', () => {
  const lines = refusals({
    file,
    fileText: 'http:\n  prot: 9000\n  port: eighty\nlimits: 3\nlog: { level: loud }\n',
    env: { HEADGATE_HTTP_HOTS: '::1', HEADGATE_OVERLOAD_STATUS: '500' },
    overrides: { 'http.prot': '1' },
  });
  assert.deepEqual(lines.sort(), [
    'HEADGATE_HTTP_HOTS: unknown option; did you mean HEADGATE_HTTP_HOST?',
    'HEADGATE_OVERLOAD_STATUS: overload.status: expected one of 429, 503, found "500"',
    'command line: http.prot: unknown option; did you mean http.port?',
    'config/headgate.yaml:2: http.prot: unknown key; did you mean port?',
    'config/headgate.yaml:3: http.port: expected an integer from 0 to 65535, found "eighty"',
    'config/headgate.yaml:4: limits: expected a map of keys and values, found 3',
    'config/headgate.yaml:5: log.level: expected one of trace, debug, info, warn, error, fatal, silent, found "loud"',
  ]);
});

test('what is wrong only together is refused where it is said', () => {
  assert.deepEqual(refusals({ file, fileText: 'admin:\n  host: 0.0.0.0\n' }), [
    'config/headgate.yaml:2: admin.host: expected a loopback address, or admin.token to be set, found 0.0.0.0',
  ]);
  assert.deepEqual(refusals({ overrides: { 'admin.port': 8000 } }), [
    'command line: admin.port: expected another port than http.port, found 8000',
  ]);
  assert.equal(refusals({ overrides: { 'limits.maxBodiesBytes': 2048 } }).length, 1);
  assert.deepEqual(
    refusals({ overrides: { 'admin.host': '0.0.0.0', 'admin.token': 'sixteen-letters-or-more' } }),
    [],
  );
});

test('a secret is neither described nor quoted when refused', () => {
  const loaded = loadGatewayConfig({ env: { HEADGATE_ADMIN_TOKEN: 'correct-horse-battery' } });
  assert.equal(loaded.config.admin.token, 'correct-horse-battery');
  assert.ok(!JSON.stringify(describeGatewayConfig(loaded)).includes('correct-horse'));
  assert.ok(
    !refusals({ env: { HEADGATE_ADMIN_TOKEN: 'hunter2' } })
      .join()
      .includes('hunter2'),
  );
});

test('variables that Kubernetes injects for a Service of ours are not settings', () => {
  const { config } = loadGatewayConfig({
    env: {
      HEADGATE_SERVICE_HOST: '10.0.0.1',
      HEADGATE_SERVICE_PORT_HTTP: '8000',
      HEADGATE_PORT: 'tcp://10.0.0.1:8000',
      HEADGATE_PORT_8000_TCP_ADDR: '10.0.0.1',
      HEADGATE_HTTP_PORT: 'tcp://10.0.0.1:8000',
      HEADGATE_HTTP_SERVICE_HOST: '10.0.0.1',
      HEADGATE_CONFIG: 'elsewhere.yaml',
    },
  });
  assert.equal(config.http.port, 8000);
});

test('every option has a description and an environment name of its own', () => {
  const options = declaredOptions(gatewaySchema);
  for (const { key, schema } of options)
    assert.ok(schema.description?.endsWith('.') || schema.description?.endsWith('?'), key);
  assert.equal(new Set(options.map(({ env }) => env)).size, options.length);
  assert.equal(
    options.find(({ key }) => key === 'limits.maxBodyBytes')?.env,
    'HEADGATE_LIMITS_MAX_BODY_BYTES',
  );
});

test('the keys that need a restart are named when they change', () => {
  const before = loadGatewayConfig({}).config;
  const after = loadGatewayConfig({ overrides: { 'http.port': 9000, 'log.level': 'debug' } }).config;
  assert.deepEqual(keysNeedingRestart(before, after), ['http.port']);
});

test('a file that is missing is refused by name', () => {
  assert.deepEqual(refusals({ file: 'nowhere/headgate.yaml' }), [
    'nowhere/headgate.yaml: cannot be read: ENOENT',
  ]);
});

test('an alias inside the value that it stands for is refused, and one used twice is not', () => {
  for (const fileText of ['requiredModels: &a [*a]', 'http: &a { host: { b: *a } }', '&a a: &b { c: *b }']) {
    assert.deepEqual(refusals({ file, fileText }), [
      `${file}: expected no alias inside the value that it stands for`,
    ]);
  }
  const twice = 'admin: { allowedHosts: &a [x] }\nrequiredModels: *a\n';
  assert.deepEqual(loadGatewayConfig({ file, fileText: twice }).config.requiredModels, ['x']);
});

test('a refused value is shown, but no secret: not in an address, not where its map belongs', () => {
  const texts = [
    'cache: { redis: { url: "redis://user:pa55@word@127.0.0.1" } }',
    'cache: { redis: { url: "rediss://pa55word@a" } }',
    'cache: { redis: pa55word }',
    'admin: [pa55word]',
    'admin: { token: pa55word }',
  ];
  const said = texts.map(fileText => refusals({ file, fileText }).join());
  for (const text of said) assert.doesNotMatch(text, /pa55|word@|user/);
  assert.match(said[0] ?? '', /found "redis:\/\/…@127\.0\.0\.1"/);
});
