/** Configuration as files and variables: every declared option with any value, in forms that are nearly right. */
import fc from 'fast-check';
import { stringify } from 'yaml';
import { declaredOptions } from '../../src/config/environment.ts';
import { gatewaySchema } from '../../src/config/gateway-options.ts';
import { modelSchema } from '../../src/config/model-options.ts';
import type { Draft } from './case-source.ts';
import { readCorpus } from './corpus.ts';
import type { ConfigForm } from './fuzz-case.ts';
import { damaged, seeded } from './mutation.ts';

const ODD: readonly unknown[] = [
  ...[0, 1, -1, 1.5, 2 ** 31, 2 ** 53, 1e308, Number.NaN, Number.POSITIVE_INFINITY, true, false, null, ''],
  ...[
    'auto',
    'all',
    'default',
    '8000',
    '0x10',
    '../x',
    '/etc/passwd',
    '127.0.0.1',
    'redis://a@b',
    '__proto__',
  ],
  ...[[], {}, [1], [1, 1], [3, 2], { latest: 1 }, { a: { b: { c: 1 } } }, [{ kind: 'cpu', count: 2 }]],
  ...[{ constructor: 1 }, [{ batchSize: 1, inputs: { x: { shape: [2], fill: 'zero' } } }], 'http://a:1/b'],
];

/** Nested as the file has it, from dotted paths. */
function nested(settings: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const [key, value] of settings) {
    const parts = key.split('.');
    let map = root;
    for (const part of parts.slice(0, -1)) {
      if (typeof map[part] !== 'object' || map[part] === null) map[part] = {};
      map = map[part] as Record<string, unknown>;
    }
    // A later key may stand below it: what is drawn stays as it is for the next case.
    map[parts.at(-1) as string] = structuredClone(value);
  }
  return root;
}

const value = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...ODD) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 70_000 }) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) },
);

function yaml(keys: readonly string[]): fc.Arbitrary<Buffer> {
  const other = fc.constantFrom('__proto__', 'constructor', 'http', 'htpp.port', 'x', 'a.b.c', 'limits');
  const key = fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...keys) }, { weight: 1, arbitrary: other });
  const text = (settings: [string, unknown][]) => Buffer.from(stringify(nested(settings)));
  return fc.array(fc.tuple(key, value), { maxLength: 6 }).map(text);
}

const variables = declaredOptions(gatewaySchema).map(option => option.env);
const environment = fc
  .array(
    fc.tuple(
      fc.oneof(
        fc.constantFrom(...variables),
        fc.constantFrom('HEADGATE_', 'HEADGATE_X', 'HEADGATE___PROTO__'),
      ),
      value.map(any => (typeof any === 'object' ? JSON.stringify(any) : String(any))),
    ),
    { maxLength: 6 },
  )
  .map(pairs => Buffer.from(pairs.map(pair => pair.join('=')).join('\n')));

const FIELDS = [
  ...[
    'name',
    'platform',
    'backend',
    'max_batch_size',
    'input',
    'output',
    'dynamic_batching',
    'instance_group',
  ],
  ...[
    'version_policy',
    'model_warmup',
    'response_cache',
    'parameters',
    'optimization',
    'default_model_filename',
  ],
  ...[
    'dims',
    'data_type',
    'preferred_batch_size',
    'max_queue_delay_microseconds',
    'count',
    'kind',
    'gpus',
    'key',
  ],
  ...[
    'latest',
    'num_versions',
    'specific',
    'versions',
    'all',
    'label_filename',
    'reshape',
    'shape',
    'batch_size',
  ],
];
const WORDS = [
  '1',
  '-1',
  '4',
  '0x1F',
  '017',
  '1e9',
  'inf',
  'nan',
  'true',
  '"x"',
  "'y' 'z'",
  '"\\x41"',
  'TYPE_FP32',
];

/** Fields in fields. */
const pbtxt = fc.letrec<{ field: string; value: string }>(tie => ({
  field: fc
    .tuple(fc.constantFrom(...FIELDS), fc.constantFrom(': ', ' ', ':'), tie('value'))
    .map(parts => parts.join('')),
  value: fc.oneof(
    { maxDepth: 4, depthIdentifier: 'value' },
    fc.constantFrom(...WORDS, 'KIND_CPU', '"onnxruntime"', '"../x.onnx"'),
    fc
      .array(tie('field'), { maxLength: 3, depthIdentifier: 'value' })
      .map(fields => `{ ${fields.join('\n')} }`),
    fc
      .array(tie('value'), { maxLength: 3, depthIdentifier: 'value' })
      .map(values => `[${values.join(', ')}]`),
  ),
})).field;

const keysOf = (schema: Parameters<typeof declaredOptions>[0]) =>
  declaredOptions(schema).map(({ key }) => key);

const GENERATED: Readonly<Record<ConfigForm, () => fc.Arbitrary<Buffer>>> = {
  gateway: () => yaml(keysOf(gatewaySchema)),
  model: () => yaml(keysOf(modelSchema)),
  pbtxt: () => fc.array(pbtxt, { maxLength: 5 }).map(fields => Buffer.from(fields.join('\n'))),
  environment: () => environment,
};

/** A seed's name begins with its form. */
export function configCases(): fc.Arbitrary<Draft> {
  const corpus = readCorpus('config');
  const forms = (Object.keys(GENERATED) as ConfigForm[]).map(form => {
    const seeds = corpus.filter(({ name }) => name.startsWith(form)).map(({ bytes }) => bytes);
    const bytes = fc.oneof(
      { weight: 6, arbitrary: damaged(GENERATED[form]()) },
      { weight: 1, arbitrary: fc.constantFrom(...seeds) },
      { weight: 3, arbitrary: seeded(seeds) },
    );
    return bytes.map(made => ({ bytes: made, form }));
  });
  return fc.oneof(...forms);
}
