import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { freePort, type Headgate, startHeadgate } from '../support/headgate.ts';
import { identity, writeRepository } from '../support/onnx.ts';

let folder: string;
let gateway: Headgate;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'headgate-bench-'));
  await writeRepository(path.join(folder, 'models'), {
    identity: { versions: { 1: identity(), 2: identity() } },
  });
  gateway = await startHeadgate({ repository: path.join(folder, 'models') });
});
after(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** Runs the command to its end, or to the signal that `watch` sends it. */
async function bench(args: readonly string[], watch?: (kill: () => void, said: string) => void) {
  const child = spawn(process.execPath, ['src/main.ts', 'bench', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      said[name] += text;
      watch?.(() => child.kill('SIGINT'), said.stderr);
    });
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, ...said };
}

test('--help tells its options and exits 0', async () => {
  const { status, stdout } = await bench(['--help']);
  assert.equal(status, 0);
  for (const flag of ['rate', 'connections', 'find', 'slo', 'shape', 'input', 'output', 'plot'])
    assert.match(stdout, new RegExp(`--${flag}\\b`));
});

test('with nothing but a URL and a model it finds saturation, then measures below it, and says what it means', async () => {
  const [output, plot] = [path.join(folder, 'all.json'), path.join(folder, 'all.svg')];
  const args = [
    gateway.url,
    'identity',
    '--duration',
    '0.3',
    '--slo',
    '500',
    '--output',
    output,
    '--plot',
    plot,
  ];
  const { status, stdout, stderr } = await bench(args);
  assert.equal(status, 0, stdout + stderr);
  assert.match(stdout, /^identity at .*binary: 16 different requests of random values, x FP32 \[1,4\]/);
  assert.match(stdout, /Closed loop:.*\n +connections +answered\/s +p50 +p90 +p99 +max +queue +model +batch/);
  assert.match(stdout, /Open loop:.*\n +offered\/s +answered\/s +p50/);
  assert.match(stdout, /● p99 +○ p50/);
  assert.match(stdout, /- Every answer was the same as to the same request alone\./);
  assert.match(stdout, /- It saturates at about \d+/);
  assert.match(stdout, /the objective of\s+500 ms is (met|missed)/);
  assert.match(stderr, /closed loop, 1 connection\n.*\n/);
  const result = JSON.parse(await readFile(output, 'utf8'));
  assert.ok(result.measurements.length >= 5);
  assert.equal(result.target.rowsPerRequest, 1);
  for (const { outcomes, requests } of result.measurements) {
    assert.equal(outcomes.wrong, 0);
    assert.ok(requests > 0);
  }
  assert.match(await readFile(plot, 'utf8'), /^<svg [\s\S]*identity under load[\s\S]*<\/svg>\n$/);
});

const single: [string, string[], RegExp][] = [
  ['a rate', ['--rate', '200'], /Open loop: Poisson[^\n]*\n[^\n]*\n +200 /],
  [
    'an even rate of JSON',
    ['--rate', '200', '--constant', '--json'],
    /json: [\s\S]*Open loop: even[^\n]*\n[^\n]*\n +200 /,
  ],
  [
    'connections with several rows',
    ['--connections', '4', '--rows', '3'],
    /x FP32 \[3,4\][\s\S]*rows\/s[\s\S]*\n +4 /,
  ],
  ['a version', ['--connections', '2', '--version', '2'], /^identity version 2 at /],
  [
    'a rate with p99 within an objective',
    ['--find', '--slo', '2000'],
    /The highest Poisson rate at which 99 of 100/,
  ],
];
for (const [what, args, report] of single) {
  test(`measures ${what}`, async () => {
    const { status, stdout, stderr } = await bench([gateway.url, 'identity', '--duration', '0.2', ...args]);
    assert.equal(status, 0, stdout + stderr);
    assert.match(stdout, report);
  });
}

test('sends the requests of a file, one or several, as JSON or as binary', async () => {
  const request = (data: number[]) => ({ inputs: [{ name: 'x', shape: [1, 4], datatype: 'FP32', data }] });
  const file = path.join(folder, 'requests.json');
  await writeFile(file, JSON.stringify([request([1, 2, 3, 4]), request([5, 6, 7, 8])]));
  for (const encoding of ['json', 'binary']) {
    const args = [
      gateway.url,
      'identity',
      '--input',
      file,
      `--${encoding}`,
      '--connections',
      '2',
      '--duration',
      '0.2',
    ];
    const { status, stdout, stderr } = await bench(args);
    assert.equal(status, 0, stdout + stderr);
    assert.match(stdout, new RegExp(`${encoding}: 2 requests from `));
  }
});

test('stopped, it reports what was measured until then: exit code 1', async () => {
  const args = [gateway.url, 'identity', '--duration', '2'];
  let isStopped = false;
  const { status, stdout } = await bench(args, (kill, said) => {
    if (isStopped || !said.includes('8 connections')) return;
    isStopped = true;
    kill();
  });
  assert.equal(status, 1);
  assert.match(stdout, /Closed loop:.*\n.*\n +1 /);
});

test('what cannot be measured is said with what to do: exit code 1; bad usage: exit code 2', async () => {
  const nobody = `http://127.0.0.1:${await freePort()}`;
  const failures: [number, string[], RegExp][] = [
    [1, [nobody, 'identity'], /nothing listens at .*; is the server running\? \(headgate serve starts one\)/],
    [1, [gateway.url, 'idenity'], /has no model 'idenity'; it has identity/],
    [1, [gateway.url, 'identity', '--version', '7'], /'identity' has no version '7' at .*; it has 2/],
    [1, [gateway.adminUrl, 'identity'], /is this the data plane/],
    [
      1,
      [gateway.url, 'identity', '--shape', 'x=1,5'],
      /input 'x' is declared as \[-1,4\]; \[1,5\] does not fit/,
    ],
    [2, [gateway.url, 'identity', '--find'], /--find needs --slo/],
  ];
  for (const [code, args, message] of failures) {
    const { status, stderr } = await bench(args);
    assert.match(stderr, message);
    assert.doesNotMatch(stderr, /\n\s+at /);
    assert.equal(status, code);
  }
});
