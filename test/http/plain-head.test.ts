import assert from 'node:assert/strict';
import test from 'node:test';
import { parsePlainHead } from '../../src/http/plain-head.ts';

const head = (lines: readonly string[], first = 'POST /v2/models/m/infer HTTP/1.1') =>
  Buffer.from(`${[first, ...lines].join('\r\n')}\r\n\r\nbody`);
const PLAIN = ['Host: a', 'Content-Length: 4'];

test('reads names, headers and lengths', () => {
  const lines = [
    ...PLAIN,
    'Inference-Header-Content-Length: 2',
    'headgate-timeout-ms: 5',
    'Connection: Keep-Alive',
  ];
  const found = parsePlainHead(head(lines, 'POST /v2/models/m/versions/3/infer HTTP/1.1'));
  assert.deepEqual(found?.named, { model: 'm', version: '3' });
  assert.deepEqual(found?.infer, {
    encoding: 'identity',
    headerLength: 2,
    timeoutMs: 5,
    priority: undefined,
  });
  assert.equal(found?.bodyBytes, 4);
  assert.equal(found?.headers['host'], 'a');
  assert.ok(found?.bytes.toString().endsWith('\r\n\r\n'));
});

test('whatever is not exactly plain is left to node:http', () => {
  const leave: readonly [string, Buffer][] = [
    ['a part of a head', head(PLAIN).subarray(0, 30)],
    ['another method', head(PLAIN, 'PUT /v2/models/m/infer HTTP/1.1')],
    ['another version', head(PLAIN, 'POST /v2/models/m/infer HTTP/1.0')],
    ['another path', head(PLAIN, 'POST /v2/models/m HTTP/1.1')],
    ['a query', head(PLAIN, 'POST /v2/models/m/infer?a HTTP/1.1')],
    ['a name no model has', head(PLAIN, 'POST /v2/models/.m/infer HTTP/1.1')],
    ['an absolute target', head(PLAIN, 'POST http://a/v2/models/m/infer HTTP/1.1')],
    ['no host', head(['Content-Length: 4'])],
    ['no length', head(['Host: a'])],
    ['no body', head(['Host: a', 'Content-Length: 0'])],
    ['a signed length', head(['Host: a', 'Content-Length: +4'])],
    ['a length in hexadecimal', head(['Host: a', 'Content-Length: 0x4'])],
    ['two lengths', head([...PLAIN, 'content-length: 4'])],
    ['two hosts', head([...PLAIN, 'host: b'])],
    ['chunks', head([...PLAIN, 'Transfer-Encoding: chunked'])],
    ['an expectation', head([...PLAIN, 'Expect: 100-continue'])],
    ['an upgrade', head([...PLAIN, 'Upgrade: h2c'])],
    ['a last request', head([...PLAIN, 'Connection: close'])],
    ['a blank before the colon', head([...PLAIN, 'a : b'])],
    ['a folded line', head([...PLAIN, 'a: b', ' c'])],
    ['a bare line feed', head([...PLAIN, 'a: b\nTransfer-Encoding: chunked'])],
    ['a bare carriage return', head([...PLAIN, 'a: b\rc'])],
    ['a NUL', head([...PLAIN, 'a: b\0c'])],
    ['no name', head([...PLAIN, ': b'])],
    ['a header that would be refused', head([...PLAIN, 'headgate-timeout-ms: soon'])],
    ['too many headers', head([...PLAIN, ...Array.from({ length: 70 }, (_, i) => `a${i}: b`)])],
  ];
  for (const [what, bytes] of leave) assert.equal(parsePlainHead(bytes), undefined, what);
});
