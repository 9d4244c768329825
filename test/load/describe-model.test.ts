import assert from 'node:assert/strict';
import test from 'node:test';
import { describeModel, serverAddress, TargetError } from '../../src/load/describe-model.ts';
import { type Obey, obedientServer } from './obedient-server.ts';

type Answers = Readonly<Record<string, readonly [status: number, body: unknown]>>;

/** A server that knows these paths and answers 404 to all others. */
const serving =
  (answers: Answers): Obey =>
  (_, response, request) => {
    const [status, body] = answers[request.url ?? ''] ?? [404, { error: 'no' }];
    response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));
  };

const digits = {
  name: 'digits',
  versions: ['1', '2'],
  platform: 'tensorrt_plan',
  inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 4] }],
  outputs: [],
};

async function describe(answers: Answers, model = 'digits', version?: string) {
  await using server = await obedientServer(serving(answers));
  return await describeModel(serverAddress(`http://${server.host}:${server.port}`), model, version);
}

test("reads a model's inputs from any server of the protocol", async () => {
  const { signature } = await describe({ '/v2/models/digits': [200, digits] });
  assert.deepEqual(signature.inputs, digits.inputs);
});

const index = [200, [{ name: 'digits' }, { name: 'faces' }, { name: 'digits' }]] as const;
const failures: [string, Answers, string | undefined, RegExp][] = [
  [
    'an unknown model',
    { '/v2/repository/index': index },
    undefined,
    /has no model 'm'; it has digits, faces/,
  ],
  [
    'an unknown model of a server with none',
    { '/v2/repository/index': [200, []] },
    undefined,
    /it has no models/,
  ],
  ['an unknown version', { '/v2/models/m': [200, digits] }, '9', /'m' has no version '9' at .*; it has 1, 2/],
  ['a server without an index', {}, undefined, /answered 404 .*is this the data plane/],
  [
    'a model that is loading',
    {
      '/v2/repository/index': [200, [{ name: 'm' }]],
      '/v2/models/m': [503, { error: 'still\u0007 loading' }],
    },
    undefined,
    /lists model 'm' but answered 503 .*: still {2}loading\. Is it loaded/,
  ],
  [
    'something else',
    { '/v2/models/m': [200, '<html>'] },
    undefined,
    /does not describe 'm' as OIP v2 does: .*inputs/,
  ],
  [
    'more than a description takes',
    { '/v2/models/m': [200, ' '.repeat(5e6)] },
    undefined,
    /more than 4194304 bytes/,
  ],
];
for (const [what, answers, version, message] of failures) {
  test(`${what} is named with what there is`, async () => {
    await assert.rejects(
      describe(answers, 'm', version),
      error => error instanceof TargetError && message.test(error.message),
    );
  });
}
