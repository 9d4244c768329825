import assert from 'node:assert/strict';
import test from 'node:test';
import { type PlainHead, parsePlainHead, sameHead } from '../../src/http/plain-head.ts';

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
    cacheControl: undefined,
  });
  assert.equal(found?.bodyBytes, 4);
  assert.equal(found?.headers['host'], 'a');
  assert.equal(found?.headBytes, head(lines, 'POST /v2/models/m/versions/3/infer HTTP/1.1').length - 4);
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

/** What is said of a head, without how it is remembered. */
const said = ({ parsed: _parsed, ...rest }: PlainHead) => rest;

test('a head that differs in the body’s length alone is known again, as if it were parsed', () => {
  for (const place of [0, 1, 2]) {
    const withLength = (length: string) =>
      head(['Host: a', 'Accept: b'].toSpliced(place, 0, `content-length:${place === 1 ? '' : ' '}${length}`));
    const known = parsePlainHead(withLength('4')) as PlainHead;
    for (const length of ['4', '5', '10', '9999999999']) {
      const bytes = withLength(length);
      const found = sameHead(known, bytes);
      assert.deepEqual(found && said(found), said(parsePlainHead(bytes) as PlainHead), length);
    }
    for (const length of ['', '0', '04', '+4', '4 ', '4,4', '0x4', '99999999999', '4\r\nA: b']) {
      assert.equal(sameHead(known, withLength(length)), undefined, JSON.stringify(length));
    }
  }
});

test('a head that differs in anything else, or is only a part of one, is not', () => {
  const known = parsePlainHead(head(PLAIN)) as PlainHead;
  const bytes = head(PLAIN);
  for (let at = 0; at < known.headBytes; at++) {
    const other = Buffer.from(bytes);
    other[at] = (other[at] as number) ^ 1;
    const found = sameHead(known, other);
    assert.ok(found === undefined || found.bodyBytes === 5, `byte ${at}`);
    assert.equal(sameHead(known, bytes.subarray(0, at)), undefined, `the first ${at} bytes`);
  }
});
