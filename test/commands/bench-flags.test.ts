import assert from 'node:assert/strict';
import test from 'node:test';
import { readBenchArguments } from '../../src/commands/bench-flags.ts';
import { UsageError } from '../../src/commands/command.ts';

const misuses: [string[], RegExp][] = [
  [[], /expected a URL and a model: headgate bench http/],
  [['http://h'], /expected a URL and a model/],
  [['localhost:8000', 'digits'], /no URL; expected one such as http:\/\/localhost:8000/],
  [['https://localhost', 'digits'], /https is not supported/],
  [['http://h', 'digits', 'more'], /'more': expected nothing behind/],
  [['http://h', 'digits', '--rate', 'fast'], /--rate fast: expected a number from 0\.01 to/],
  [['http://h', 'digits', '--rate', '0'], /--rate 0: expected/],
  [['http://h', 'digits', '--connections', '1.5'], /--connections 1\.5: expected a whole number/],
  [['http://h', 'digits', '--duration='], /--duration : expected/],
  [
    ['http://h', 'digits', '--rate', '1', '--connections', '2'],
    /--rate and --connections exclude each other/,
  ],
  [['http://h', 'digits', '--json', '--binary'], /--json and --binary exclude/],
  [['http://h', 'digits', '--constant'], /--constant belongs to --rate/],
  [['http://h', 'digits', '--find'], /--find needs --slo/],
  [['http://h', 'digits', '--shape', 'x'], /--shape x: expected <input>=<sizes>/],
  [['http://h', 'digits', '--shape', 'x=1,-1'], /--shape x=1,-1: expected/],
  [['http://h', 'digits', '--header', 'x'], /--header x: expected <name>: <value>/],
  [['http://h', 'digits', '--header', 'x: a\r\nb: c'], /--header .*expected/s],
  [['http://h', 'digits', '--rate', '1', '--plot', 'a.svg'], /--plot draws several loads/],
  [['http://h', 'digits', '--rat', '1'], /--rat/],
  [['http://h', 'digits', '--rate', '1e6', '--duration', '60'], /at most 20000000 requests/],
  [
    ['http://h', 'digits', '--output', 'nowhere/a.json'],
    /--output nowhere\/a\.json: there is no such folder/,
  ],
];
for (const [args, message] of misuses) {
  test(`refused: bench ${args.join(' ')}`, () => {
    assert.throws(
      () => readBenchArguments(args),
      error => error instanceof UsageError && message.test(error.message),
    );
  });
}

test('without flags it surveys with binary tensors of one row', () => {
  const { server, mode, encoding, rows, isChecked } = readBenchArguments([
    'http://localhost:8000/',
    'digits',
  ]);
  assert.equal(server.url, 'http://localhost:8000');
  assert.deepEqual([mode.kind, encoding, rows, isChecked], ['survey', 'binary', 1, true]);
});

test('a URL may have a path before /v2, an IPv6 host, and no port', () => {
  const at = (url: string) => readBenchArguments([url, 'm']).server;
  assert.deepEqual(
    ['http://h/p/', 'http://h/p/v2', 'http://h/v2/'].map(url => at(url).prefix),
    ['/p', '/p', ''],
  );
  assert.deepEqual(
    [at('http://[::1]:9').host, at('http://[::1]:9').port, at('http://h').port],
    ['::1', 9, 80],
  );
});

test('shapes, headers and modes are read', () => {
  const read = (...args: string[]) => readBenchArguments(['http://h', 'm', ...args]);
  assert.deepEqual(
    [...read('--shape', 'a=1,2', '--shape', 'b=c=3').shapes],
    [
      ['a', [1, 2]],
      ['b=c', [3]],
    ],
  );
  assert.deepEqual(read('--header', 'X-Key: a b').server.headers, { 'x-key': 'a b' });
  assert.deepEqual(read('--rate', '5', '--constant').mode, {
    kind: 'rate',
    ratePerSecond: 5,
    isConstant: true,
  });
  assert.deepEqual(read('--connections', '5').mode, { kind: 'connections', connections: 5 });
  assert.deepEqual(read('--find', '--slo', '20').mode, { kind: 'find', sloMs: 20 });
});

test('a given request is sent as the JSON it is, unless binary is asked for', () => {
  const encoding = (...args: string[]) =>
    readBenchArguments(['http://h', 'm', '--input', 'f', ...args]).encoding;
  assert.deepEqual([encoding(), encoding('--binary')], ['json', 'binary']);
});
