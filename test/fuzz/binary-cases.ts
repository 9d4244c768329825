/** Inference bodies with binary tensors: the header's length, the sizes and the bytes behind it seldom agree. */
import fc from 'fast-check';
import { MALFORMED as MALFORMED_REQUESTS } from '../protocol/fixtures/malformed-requests.ts';
import type { Draft } from './case-source.ts';
import { readCorpus } from './corpus.ts';
import type { FuzzModel } from './fuzz-models.ts';
import { encoded, fuzzModel, inferBytes, otherHeaders } from './infer-request.ts';
import { mutated, mutation, seeded } from './mutation.ts';
import { allTensors, often, outputs, parameters, rawData, type TensorParts } from './tensor-drafts.ts';

interface Part {
  readonly json: object;
  readonly data: Buffer;
}

const ODD_SIZES = [0, -1, 1, 2 ** 31, 2 ** 53, 1e308, 1.5, '16', null];

function part({ name, datatype, shape, count, input }: TensorParts): fc.Arbitrary<Part> {
  const drift = fc.oneof(
    { weight: 10, arbitrary: fc.constant<unknown>(0) },
    { weight: 1, arbitrary: fc.constantFrom<unknown>(...ODD_SIZES, 4, -4) },
  );
  return fc.tuple(rawData(input.datatype, count), drift).map(([data, off]) => {
    const size =
      off === 0 ? data.length : typeof off === 'number' && Math.abs(off) < 9 ? data.length + off : off;
    return { json: { name, datatype, shape, parameters: { binary_data_size: size } }, data };
  });
}

interface Body {
  readonly body: Buffer;
  readonly jsonLength: number;
}

function binaryBody(model: FuzzModel): fc.Arbitrary<Body> {
  const parts = allTensors(model).chain(tensors => fc.tuple(...tensors.map(part)));
  const rest = fc.record({ outputs: outputs(model), parameters }, { requiredKeys: [] });
  return fc.tuple(parts, often({}, rest)).map(([tensors, more]) => {
    const json = Buffer.from(
      JSON.stringify({ ...(more as object), inputs: tensors.map(tensor => tensor.json) }),
    );
    return { body: Buffer.concat([json, ...tensors.map(tensor => tensor.data)]), jsonLength: json.length };
  });
}

/** Seldom damaged, cut, or overlapping what stands before it. */
function damagedBody(bodies: fc.Arbitrary<Body>): fc.Arbitrary<Body> {
  const damage = fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(mutation, { minLength: 1, maxLength: 3 }) },
  );
  return fc
    .tuple(bodies, damage)
    .map(([{ body, jsonLength }, mutations]) => ({ body: mutated(body, mutations), jsonLength }));
}

const ODD_LENGTHS = ['0', '-1', '+5', '1e3', '0x10', '', '5, 5', 'NaN', '9007199254740993', '99999999'];

/** The header that says where the JSON ends. */
function lengthHeader(jsonLength: number): fc.Arbitrary<readonly string[]> {
  const name = 'Inference-Header-Content-Length';
  const line = (value: string | number) => [`${name}: ${value}`];
  return fc.oneof(
    { weight: 12, arbitrary: fc.constant(line(jsonLength)) },
    { weight: 2, arbitrary: fc.integer({ min: -9, max: 9 }).map(by => line(Math.max(0, jsonLength + by))) },
    { weight: 1, arbitrary: fc.constantFrom(...ODD_LENGTHS).map(line) },
    { weight: 1, arbitrary: fc.constantFrom([], [...line(5), ...line(5)]) },
  );
}

function kept(): Body[] {
  const files = readCorpus('binary').map(({ bytes }) => ({ body: bytes, jsonLength: jsonLengthOf(bytes) }));
  const table = MALFORMED_REQUESTS.flatMap(({ body, headerLength }) =>
    headerLength === undefined ? [] : [{ body: Buffer.from(body), jsonLength: headerLength }],
  );
  return [...files, ...table];
}

/** Of a seed: up to its last brace. */
function jsonLengthOf(bytes: Buffer): number {
  return bytes.lastIndexOf('}') + 1;
}

export function binaryCases(): fc.Arbitrary<Draft> {
  const seeds = kept();
  const seedBodies = fc
    .constantFrom(...seeds)
    .chain(({ body, jsonLength }) => seeded([body]).map(changed => ({ body: changed, jsonLength })));
  return fuzzModel.chain(model => {
    const bodies = fc.oneof(
      { weight: 7, arbitrary: damagedBody(binaryBody(model)) },
      { weight: 1, arbitrary: fc.constantFrom(...seeds) },
      { weight: 2, arbitrary: seedBodies },
    );
    return bodies.chain(({ body, jsonLength }) =>
      fc.tuple(lengthHeader(jsonLength), otherHeaders, encoded).map(([lengths, headers, encode]) => {
        const sent = encode(body);
        const all = [...lengths, ...headers, ...sent.headers];
        return { bytes: inferBytes({ model: model.name, headers: all, body: sent.body }) };
      }),
    );
  });
}
