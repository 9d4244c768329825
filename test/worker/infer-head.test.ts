import assert from 'node:assert/strict';
import test from 'node:test';
import { MAX_BODY_BYTES, parseInferHead } from '../../src/worker/infer-head.ts';

const REQUEST = 'POST /v2/models/m%20x/versions/1.g1/infer HTTP/1.1';
const LENGTHS = ['content-length: 20', 'Inference-Header-Content-Length: 10'];
const parse = (lines: readonly string[]) => parseInferHead(Buffer.from(`${lines.join('\r\n')}\r\n\r\nbody`));

test("the head of the gateway's own request is read", () => {
  const lines = [
    REQUEST,
    'host: worker',
    'connection: keep-alive',
    'content-type: application/octet-stream',
    ...LENGTHS,
  ];
  const end = lines.join('\r\n').length + 4;
  assert.deepEqual(parse(lines), { model: 'm x', version: '1.g1', end, bodyBytes: 20, headerBytes: 10 });
});

const others: Readonly<Record<string, readonly string[]>> = {
  'another method': [REQUEST.replace('POST', 'GET'), ...LENGTHS],
  'another path': ['POST /v2/repository/models/m/load HTTP/1.1', ...LENGTHS],
  'a query': [REQUEST.replace('infer ', 'infer?x=1 '), ...LENGTHS],
  'an escape that is none': [REQUEST.replace('%20', '%zz'), ...LENGTHS],
  'HTTP/1.0': [REQUEST.replace('1.1', '1.0'), ...LENGTHS],
  'a connection that closes': [REQUEST, ...LENGTHS, 'connection: close'],
  chunks: [REQUEST, ...LENGTHS, 'transfer-encoding: chunked'],
  'an expectation': [REQUEST, ...LENGTHS, 'expect: 100-continue'],
  'two lengths': [REQUEST, ...LENGTHS, 'content-length: 20'],
  'no length': [REQUEST, 'inference-header-content-length: 10'],
  'no length of the JSON': [REQUEST, 'content-length: 20'],
  'no JSON': [REQUEST, 'content-length: 20', 'inference-header-content-length: 0'],
  'more JSON than body': [REQUEST, 'content-length: 9', 'inference-header-content-length: 10'],
  'a length with a sign': [REQUEST, 'content-length: +20', 'inference-header-content-length: 10'],
  'a body that is too long': [
    REQUEST,
    `content-length: ${MAX_BODY_BYTES + 1}`,
    'inference-header-content-length: 10',
  ],
  'a blank before the colon': [REQUEST, 'content-length : 20', ...LENGTHS],
  'a folded line': [REQUEST, ...LENGTHS, ' folded'],
  'a bare line feed': [REQUEST, 'host: a\nb: c', ...LENGTHS],
};
for (const [name, lines] of Object.entries(others)) {
  test(`left to node:http: ${name}`, () => assert.equal(parse(lines), undefined));
}

test('left to node:http: a head that is not whole', () => {
  assert.equal(parseInferHead(Buffer.from(`${REQUEST}\r\ncontent-length: 20\r\n`)), undefined);
});
