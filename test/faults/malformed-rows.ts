/** R7: requests that are wrong, beside good ones that would share a batch with them: each gets its own 400, and says why. */
import { inferHeaders, inferPath } from '../../bench/support/oip.ts';
import { poissonArrivals } from '../../src/load/arrivals.ts';
import { openLoop } from '../../src/load/open-loop.ts';
import { addConstant } from '../support/onnx.ts';
import { none, row } from './figures.ts';
import { metric } from './operator.ts';
import type { ScenarioOptions, ScenarioResult } from './scenario.ts';
import { PATIENT, rowsFor, type Subject, startSubjectWith, WIDTH } from './subject.ts';

/** Of all requests: every twentieth. */
const EVERY = 20;
const RATE_PER_SECOND = 1000;

/** An input that is wrong in one way, and how its error begins: the field at fault, and what is wrong with it. */
const WRONG: readonly { readonly inputs: readonly unknown[]; readonly says: string }[] = [
  {
    inputs: [{ name: 'x', shape: [1, WIDTH - 1], datatype: 'FP32', data: new Array(WIDTH - 1).fill(1) }],
    says: 'inputs[0].shape[1]: expected 64, got 63',
  },
  {
    inputs: [{ name: 'x', shape: [1, WIDTH], datatype: 'INT64', data: new Array(WIDTH).fill(1) }],
    says: 'inputs[0].datatype: expected FP32, got INT64',
  },
  {
    inputs: [{ name: 'x', shape: [1, WIDTH], datatype: 'FP32', data: [1, 2, 3] }],
    says: 'inputs[0].data: expected 64 elements, got fewer',
  },
  {
    inputs: [{ name: 'x', shape: [1, WIDTH], datatype: 'FP32', data: new Array(WIDTH).fill('one') }],
    says: 'inputs[0].data[0]: expected a number, got a string',
  },
  {
    inputs: [{ name: 'z', shape: [1, WIDTH], datatype: 'FP32', data: new Array(WIDTH).fill(1) }],
    says: "inputs[0].name: the model has no input 'z'",
  },
  {
    inputs: [{ name: 'x', shape: [-1, WIDTH], datatype: 'FP32', data: new Array(WIDTH).fill(1) }],
    says: 'inputs[0].shape[0]: expected an integer from 0',
  },
  { inputs: [], says: "inputs: 'x' is missing" },
];

export async function run({ short, seed }: ScenarioOptions): Promise<ScenarioResult> {
  await using subject = await startSubjectWith({
    other: { versions: { 1: addConstant(2, WIDTH) }, config: `${PATIENT}batching: { maxQueueDelayMs: 3 }\n` },
  });
  const seen = await mixed(subject, short ? 5000 : 100_000, seed);
  const shared =
    (await metric(subject, 'headgate_inferences_total')) -
    (await metric(subject, 'headgate_executions_total'));
  return {
    rows: [
      row('good rows that shared a run', shared, 'some', shared > 0),
      none('S4 good requests affected', seen.goodAffected, seen.good),
      none('wrong ones without a 400 that names the field', seen.wrongOtherwise, seen.wrong),
    ],
    details: { ...seen, shared },
  };
}

async function mixed(subject: Subject, count: number, seed: number) {
  const load = rowsFor('other');
  const wrong = WRONG.map(({ inputs }) => post(JSON.stringify({ inputs })));
  // As many as there are good ones, so that the good ones of a place are always the same.
  const requests = load.requests.map((good, i) => (isWrong(i) ? (wrong[kindOf(i)] as Buffer) : good));
  const tally = { good: 0, goodAffected: 0, wrong: 0, wrongOtherwise: 0 };
  const result = await openLoop({
    ...{ ...subject.address, requests },
    arrivals: poissonArrivals(RATE_PER_SECOND, count, seed),
    check: (reply, index) => {
      if (!isWrong(index % requests.length)) load.check(reply, index);
    },
    inspect: ({ status, body }, index) => {
      const at = index % requests.length;
      if (isWrong(at)) {
        tally.wrong++;
        if (!isToldWhy({ status, text: body.toString() }, kindOf(at))) tally.wrongOtherwise++;
      } else {
        tally.good++;
        if (status !== 200) tally.goodAffected++;
      }
    },
  });
  // Which of those without a right answer were good nobody knows: they count as good.
  const { wrong: misread, lost, unconnected, timeout } = result.outcomes;
  return {
    ...tally,
    goodAffected: tally.goodAffected + misread + lost + unconnected + timeout,
    firsts: result.firsts,
  };
}

/** Is this the answer to wrong request `kind`, and to no other wrong one? */
export function isToldWhy({ status, text }: { status: number; text: string }, kind: number): boolean {
  const says = WRONG[kind]?.says;
  return (
    status === 400 && says !== undefined && text.startsWith(`{"error":${JSON.stringify(says).slice(0, -1)}`)
  );
}

const isWrong = (at: number): boolean => at % EVERY === EVERY - 1;
const kindOf = (at: number): number => Math.floor(at / EVERY) % WRONG.length;

function post(text: string): Buffer {
  const body = Buffer.from(text);
  const headers = { host: '127.0.0.1', ...inferHeaders({}), 'content-length': String(body.length) };
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`POST ${inferPath('other')} HTTP/1.1\r\n${head.join('')}\r\n`), body]);
}
