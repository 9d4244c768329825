/** Inference bodies in JSON: nearly right, wrong in one member, or damaged as text. */
import fc from 'fast-check';
import { MALFORMED as MALFORMED_REQUESTS } from '../protocol/fixtures/malformed-requests.ts';
import type { Draft } from './case-source.ts';
import { readCorpus } from './corpus.ts';
import type { FuzzModel } from './fuzz-models.ts';
import { encoded, fuzzModel, inferBytes, otherHeaders } from './infer-request.ts';
import { damaged, seeded } from './mutation.ts';
import {
  allTensors,
  element,
  often,
  outputs,
  parameters,
  seldom,
  type TensorParts,
} from './tensor-drafts.ts';

function jsonTensor({ name, datatype, shape, count, input }: TensorParts): fc.Arbitrary<object> {
  const flat = fc.array(element(input.datatype), { minLength: count, maxLength: count });
  const width = input.shape.length > 1 && count > 0 ? Math.max(1, Math.floor(count / 2)) : count;
  const nested = flat.map(values =>
    [values.slice(0, width), values.slice(width)].filter(row => row.length > 0),
  );
  const wrong = fc.oneof(fc.array(element(input.datatype), { maxLength: 8 }), fc.jsonValue({ maxDepth: 2 }));
  const data = fc.oneof(
    { weight: 8, arbitrary: flat },
    { weight: 2, arbitrary: nested },
    { weight: 1, arbitrary: wrong },
  );
  const more = fc.record({ parameters, extra: fc.jsonValue({ maxDepth: 1 }) }, { requiredKeys: [] });
  return fc
    .tuple(data, seldom({}, more))
    .map(([values, other]) => ({ name, datatype, shape, data: values, ...(other as object) }));
}

function jsonBody(model: FuzzModel): fc.Arbitrary<Buffer> {
  const inputs = allTensors(model).chain(parts => fc.tuple(...parts.map(jsonTensor)));
  const id = fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom<unknown>(7, null));
  const more = fc.record({ outputs: outputs(model), parameters, id }, { requiredKeys: [] });
  return fc
    .tuple(inputs, often({}, more))
    .map(([tensors, other]) => Buffer.from(JSON.stringify({ ...(other as object), inputs: tensors })));
}

export function jsonCases(): fc.Arbitrary<Draft> {
  const seeds = [
    ...readCorpus('json').map(seed => seed.bytes),
    ...MALFORMED_REQUESTS.filter(row => row.headerLength === undefined).map(row => Buffer.from(row.body)),
  ].filter(bytes => bytes.length < 16_384);
  return fuzzModel.chain(model => {
    const body = fc.oneof(
      { weight: 6, arbitrary: damaged(jsonBody(model)) },
      { weight: 1, arbitrary: fc.constantFrom(...seeds) },
      { weight: 3, arbitrary: seeded(seeds) },
    );
    return fc.tuple(body, otherHeaders, encoded).map(([plain, headers, encode]) => {
      const sent = encode(plain);
      return {
        bytes: inferBytes({ model: model.name, headers: [...headers, ...sent.headers], body: sent.body }),
      };
    });
  });
}
