/** What must work with a server that is not Headgate. Each says what it saw, and throws when that is wrong. */
import assert from 'node:assert/strict';
import { type Answer, inferBinary, inferUrl } from '../support/client.ts';
import { dataOf, floatsOf, infer, rowsOf, type Said, someRows, type Tensor } from './ask.ts';
import type { RunThere } from './foreign-server.ts';
import { killedAndBack, overload, thereLater, unloadedThere } from './outages.ts';
import { indexOf, numpySays, remoteState, type Subject } from './subject.ts';

export interface Check {
  readonly name: string;
  readonly run: (subject: Subject) => Promise<string>;
}

async function signature({ gateway }: Subject): Promise<string> {
  const response = await fetch(`${gateway.url}/v2/models/affine`);
  const { inputs, outputs } = (await response.json()) as Record<string, unknown>;
  assert.deepEqual(inputs, [{ name: 'x', datatype: 'FP32', shape: [-1, 4] }]);
  assert.deepEqual(outputs, [
    { name: 'y', datatype: 'FP32', shape: [-1, 3] },
    { name: 'top', datatype: 'INT64', shape: [-1] },
  ]);
  return 'as it declares them';
}

async function readiness(subject: Subject): Promise<string> {
  for (const model of ['affine', 'centred', 'picky', 'echo', 'binary', 'versioned']) {
    const { state, reason } = await indexOf(subject, model);
    assert.equal(state, 'READY', `${model}: ${reason}`);
    assert.equal((await remoteState(subject, model)).state, 'ready');
  }
  return 'six models ready';
}

/** What is not there, or does not say what it is, is refused, and the index says why. */
async function refusals(subject: Subject): Promise<string> {
  const said: string[] = [];
  for (const model of ['absent', 'untyped_affine', 'unversioned']) {
    const { state, reason } = await indexOf(subject, model);
    assert.equal(state, 'UNAVAILABLE', model);
    said.push(`${model}: ${reason}`);
  }
  return said.join('; ');
}

async function sameAsNumpy(subject: Subject): Promise<string> {
  const sizes = [1, 2, 3, 4, 5, 1, 2, 8];
  const asked = sizes.map((size, i) => someRows(size, 100 * i));
  const said = await Promise.all(asked.map(rows => infer(subject.gateway.url, 'affine', rowsOf(rows))));
  const expected = numpySays(subject, asked.flat());
  assert.deepEqual(
    said.flatMap(one => floatsOf(one, 'y')),
    expected.y.flat(),
  );
  assert.deepEqual(
    said.flatMap(one => dataOf(one, 'top')),
    expected.top,
  );
  assert.deepEqual(
    said.map(({ outputs }) => outputs[0]?.shape),
    sizes.map(size => [size, 3]),
  );
  // Were the comparison blind, this would be equal too.
  const other = numpySays(subject, asked.flat().toReversed());
  assert.notDeepEqual(
    said.flatMap(one => floatsOf(one, 'y')),
    other.y.flat(),
  );
  return `${asked.flat().length} rows, every value equal; those of other rows are not`;
}

async function datatypes(subject: Subject): Promise<string> {
  const tensor = (name: string, datatype: string, data: readonly unknown[]): Tensor => ({
    ...{ name, datatype, data },
    shape: [1, 2],
  });
  const inputs = [
    tensor('b', 'BOOL', [true, false]),
    tensor('u', 'UINT8', [0, 255]),
    tensor('i', 'INT64', [-1, 2 ** 52 + 1]),
    tensor('d', 'FP64', [0.1, -1e300]),
    tensor('s', 'BYTES', ['', 'grüezi']),
  ];
  const said = await infer(subject.gateway.url, 'echo', inputs);
  assert.equal(said.status, 200, said.error);
  for (const { name, data } of inputs) assert.deepEqual(dataOf(said, `${name}_out`), data, name);
  return 'BOOL, UINT8, INT64, FP64, BYTES come back as they went';
}

/** Tried though neither announces them: one speaks them, the other is sent JSON from its first sample on. */
async function binaryTensors(subject: Subject): Promise<string> {
  const rows = someRows(4, 500);
  const expected = numpySays(subject, rows).y.flat();
  let said: Answer | undefined;
  const send = (data: readonly number[], count: number) =>
    inferBinary(inferUrl(subject.gateway.url, 'binary'), [
      { name: 'x', shape: [count, 4], data: Float32Array.from(data) },
    ]);
  const runs = await subject.server.during(async () => {
    said = await send(rows.flat(), 4);
  });
  assert.deepEqual([...(said?.binary.get('y') ?? [])], expected);
  if (formOf(runs) === 'json') return 'not spoken: JSON is sent instead';
  const odd = await send([Number.NaN, 0, 0, 0], 1);
  assert.ok(Number.isNaN(odd.binary.get('y')?.[0]), JSON.stringify(odd.json));
  return 'spoken, NaN too';
}

/** All at once, so that the gateway has something to join. */
function together(subject: Subject, model: string, rows: readonly (readonly number[])[]): Promise<Said[]> {
  return Promise.all(rows.map(row => infer(subject.gateway.url, model, rowsOf([row]))));
}

async function batching(subject: Subject): Promise<string> {
  const rows = someRows(32, 7000);
  let said: Said[] = [];
  const runs = await subject.server.during(async () => {
    said = await together(subject, 'affine', rows);
  });
  assert.deepEqual(
    said.flatMap(one => floatsOf(one, 'y')),
    numpySays(subject, rows).y.flat(),
  );
  const largest = largestOf(runs);
  assert.ok(largest > 1 && runs.length < rows.length, `${runs.length} runs for ${rows.length} requests`);
  return `${rows.length} requests in ${runs.length} runs of up to ${largest} rows, sent as ${formOf(runs)}`;
}

async function noBatchAxis(subject: Subject): Promise<string> {
  let said: Said[] = [];
  const runs = await subject.server.during(async () => {
    said = await together(subject, 'centred', someRows(16, 8000));
  });
  assert.deepEqual(new Set(runs.map(({ rows }) => rows)), new Set([1]));
  // Of one row alone the mean is itself.
  for (const one of said) assert.deepEqual(floatsOf(one, 'y'), [0, 0, 0, 0], `${one.status} ${one.error}`);
  return 'rows that depend on each other are never joined';
}

async function blame(subject: Subject): Promise<string> {
  const words: string[] = [];
  for (const status of [400, 500]) {
    const rows = someRows(8, 9000 + status).map((row, i) => (i === 3 ? [1, 2, 3, status] : row));
    let said: Said[] = [];
    const runs = await subject.server.during(async () => {
      said = await together(subject, 'picky', rows);
    });
    const culprit = said[3] as Said;
    assert.deepEqual(
      said.map(one => one.status),
      rows.map((_, i) => (i === 3 ? 500 : 200)),
      culprit.text,
    );
    assert.doesNotMatch(culprit.text, /Traceback|site-packages|\.py/, 'its insides are shown to callers');
    words.push(`a ${status} in runs of up to ${largestOf(runs)} rows is “${culprit.error}”`);
  }
  assert.equal((await remoteState(subject, 'picky')).state, 'ready');
  return `the culprit alone fails: ${words.join(', ')}`;
}

function largestOf(runs: readonly RunThere[]): number {
  return Math.max(...runs.map(({ rows }) => rows));
}

function formOf(runs: readonly RunThere[]): string {
  return [...new Set(runs.map(({ form }) => form))].join(' and ');
}

export const CHECKS: readonly Check[] = [
  { name: 'metadata → signature', run: signature },
  { name: 'readiness', run: readiness },
  { name: 'what cannot be used', run: refusals },
  { name: 'answers as numpy has them', run: sameAsNumpy },
  { name: 'datatypes', run: datatypes },
  { name: 'binary: true', run: binaryTensors },
  { name: 'batches along the batch axis', run: batching },
  { name: 'no batch axis', run: noBatchAxis },
  { name: 'a failing request', run: blame },
  { name: '429 and 503', run: overload },
  { name: 'killed, started again', run: killedAndBack },
  { name: 'not there at load, but later', run: thereLater },
  { name: 'unloaded there', run: unloadedThere },
];
