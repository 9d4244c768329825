/**
 * R6: models that answer NaN and infinities, through ONNX Runtime (a division by zero) and by the test engine. No answer is
 * ever invalid JSON, whatever `json.nonFinite` says; binary answers are exact; nothing of it is kept.
 */
import { type Feed, inferPath, inferRequest } from '../../bench/support/oip.ts';
import { constantArrivals } from '../../src/load/arrivals.ts';
import { openLoop } from '../../src/load/open-loop.ts';
import type { Reply } from '../../src/load/reply.ts';
import { addConstant, nan } from '../support/onnx.ts';
import { give, obeyed, withdraw } from './engine/orders.ts';
import { none, row } from './figures.ts';
import type { ScenarioOptions, ScenarioResult } from './scenario.ts';
import { type Subject, startSubjectWith } from './subject.ts';

const POLICIES = ['error', 'null', 'string'] as const;
type Policy = (typeof POLICIES)[number];

const RATE_PER_SECOND = 200;
const CONFIG = 'cache: { enabled: true }\n';
const FEEDS: readonly Feed[] = [0, 1, -1].map(value => ({
  ...{ name: 'x', shape: [1, 4], values: [value, value, value, 100] },
}));
/** What the division gives for 0, 1, −1 and 100: NaN, ∞, −∞ and ∞; as JSON, where numbers may be so written. */
const IN_JSON: Readonly<Record<Exclude<Policy, 'error'>, RegExp>> = {
  null: /"data":\[null,null,null,null\]/,
  string: /"data":\["(NaN|-?Infinity)","\1","\1","Infinity"\]/,
};
const VALUES = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].map(value => [
  value,
  value,
  value,
  Number.POSITIVE_INFINITY,
]);

interface Seen {
  readonly name: string;
  readonly requests: number;
  readonly invalidJson: number;
  readonly otherwise: number;
  readonly kept: number;
}

export async function run({ short, progress }: ScenarioOptions): Promise<ScenarioResult> {
  const count = short ? 100 : 5000;
  const seen: Seen[] = [];
  let struck = 0;
  for (const policy of POLICIES) {
    progress(`json.nonFinite: ${policy}`);
    await using subject = await startSubjectWith(
      {
        nan: { versions: { 1: nan() }, config: CONFIG },
        add: { versions: { 1: addConstant(1) }, config: CONFIG },
      },
      { testEngine: true, config: { json: { nonFinite: policy } } },
    );
    seen.push(await ask(subject, `${policy}, real engine`, 'nan', 'json', count, isAs(policy)));
    seen.push(await ask(subject, `${policy}, binary`, 'nan', 'binary', count, isExact));
    give(subject.engine, { kind: 'nan' });
    seen.push(await ask(subject, `${policy}, test engine`, 'add', 'json', count, isAnyOf(policy)));
    withdraw(subject.engine);
    struck += obeyed(subject.engine).length;
  }
  const sum = (of: (one: Seen) => number) => seen.reduce((total, one) => total + of(one), 0);
  const requests = sum(one => one.requests);
  return {
    rows: [
      row('runs of callers’ rows that lost their numbers', struck, 'some', struck > 0),
      none(
        'replies a strict parser refuses',
        sum(one => one.invalidJson),
        requests,
      ),
      none(
        'replies not as documented',
        sum(one => one.otherwise),
        requests,
      ),
      none(
        'answers from the cache',
        sum(one => one.kept),
        requests,
      ),
    ],
    details: seen,
  };
}

async function ask(
  { address }: Subject,
  name: string,
  model: string,
  encoding: 'json' | 'binary',
  count: number,
  isRight: (reply: Reply, index: number) => boolean,
): Promise<Seen> {
  const seen = { requests: 0, invalidJson: 0, otherwise: 0, kept: 0 };
  const { requests } = await openLoop({
    ...address,
    requests: FEEDS.map(feed => inferRequest(inferPath(model), [feed], encoding)),
    arrivals: constantArrivals(RATE_PER_SECOND, count),
    inspect: (reply, index) => {
      seen.requests++;
      if (!isStrictJson(reply)) seen.invalidJson++;
      if (!isRight(reply, index)) seen.otherwise++;
      if (reply.header('headgate-cache') === 'hit') seen.kept++;
    },
  });
  // What was not answered was not answered as documented.
  return { ...seen, name, requests, otherwise: seen.otherwise + requests - seen.requests };
}

export function isStrictJson(reply: Reply): boolean {
  const end = Number(reply.header('inference-header-content-length') ?? reply.body.length);
  try {
    JSON.parse(reply.body.toString('utf8', 0, end));
    return true;
  } catch {
    return false;
  }
}

const isError = ({ status, body }: Reply): boolean =>
  status === 500 && /not finite|NaN|infinit/i.test(body.toString());

const isAs = (policy: Policy) => (reply: Reply) =>
  policy === 'error' ? isError(reply) : reply.status === 200 && IN_JSON[policy].test(reply.body.toString());

/** All of its numbers are NaN. */
const isAnyOf = (policy: Policy) => (reply: Reply) =>
  policy === 'error'
    ? isError(reply)
    : reply.status === 200 && /"data":\[(null|"NaN")(,\1){3}\]/.test(reply.body.toString());

/** Which of the many NaN it is nobody promises. */
const isExact = ({ status, body }: Reply, index: number): boolean => {
  const values = [0, 4, 8, 12].map(at =>
    status === 200 ? body.readFloatLE(body.length - 16 + at) : undefined,
  );
  return values.every((value, at) => Object.is(value, VALUES[index % VALUES.length]?.[at]));
};
