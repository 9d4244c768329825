import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { type Reply, ReplyReader } from '../../src/load/reply.ts';
import { ReplyError } from '../../src/load/reply-error.ts';

interface Sent {
  readonly status: number;
  readonly body: Uint8Array;
  readonly chunks: readonly number[] | undefined;
}

const replies = fc.record({
  status: fc.constantFrom(200, 404, 429, 503),
  body: fc.uint8Array({ maxLength: 3000 }),
  chunks: fc.option(fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 8 }), {
    nil: undefined,
  }),
});

function wire({ status, body, chunks }: Sent): Buffer {
  const head = `HTTP/1.1 ${status} Whatever\r\nDate: today\r\nX-Mixed: Case\r\n`;
  if (chunks === undefined)
    return Buffer.concat([Buffer.from(`${head}Content-Length: ${body.length}\r\n\r\n`), body]);
  const parts: Uint8Array[] = [Buffer.from(`${head}Transfer-Encoding: chunked\r\n\r\n`)];
  for (let at = 0, i = 0; at < body.length; i++) {
    const part = body.subarray(at, at + (chunks[i % chunks.length] as number));
    parts.push(Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n'));
    at += part.length;
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')]);
}

test('answers are read whole however they are cut, by length or in chunks, one after the other', () => {
  fc.assert(
    fc.property(
      fc.array(replies, { minLength: 1, maxLength: 3 }),
      fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 10 }),
      (sent, cuts) => {
        const reader = new ReplyReader(1e6);
        for (const one of sent) {
          const bytes = wire(one);
          let reply: Reply | undefined;
          for (let at = 0, i = 0; at < bytes.length; i++) {
            assert.equal(reply, undefined, 'too early');
            const end = Math.min(bytes.length, at + (cuts[i % cuts.length] as number));
            // What was read before may be overwritten: a buffer of its own that is wiped afterwards.
            const piece = Buffer.from(bytes.subarray(at, end));
            reply = reader.read(piece);
            if (reply === undefined) piece.fill(0);
            at = end;
          }
          assert.equal(reply?.status, one.status);
          assert.equal(reply?.header('x-mixed'), 'case');
          assert.equal(reply?.header('none'), undefined);
          assert.deepEqual(Buffer.from(reply?.body ?? []), Buffer.from(one.body));
        }
      },
    ),
  );
});

const HEAD = 'HTTP/1.1 200 OK\r\n';
const unreadable: [string, string, RegExp][] = [
  ['another protocol', 'SSH-2.0-OpenSSH\r\n\r\n', /not an HTTP\/1\.1 answer/],
  ['no length', `${HEAD}date: today\r\n\r\n`, /unknown length/],
  ['a length that is none', `${HEAD}content-length: -4\r\n\r\n`, /unknown length/],
  ['more than is allowed', `${HEAD}content-length: 1001\r\n\r\n`, /more than 1000 bytes/],
  ['more than it says', `${HEAD}content-length: 2\r\n\r\nabc`, /more bytes than/],
  ['a chunk without size', `${HEAD}transfer-encoding: chunked\r\n\r\nzz\r\n`, /chunk without a size/],
  [
    'chunks of more than is allowed',
    `${HEAD}transfer-encoding: chunked\r\n\r\n7ffffff\r\n`,
    /more than 1000/,
  ],
  ['an endless chunk line', `${HEAD}transfer-encoding: chunked\r\n\r\n${'1'.repeat(2000)}`, /without a size/],
  ['bytes behind the last chunk', `${HEAD}transfer-encoding: chunked\r\n\r\n0\r\n\r\nx`, /bytes behind/],
  ['an endless head', HEAD.repeat(6000), /a head of more than/],
];
for (const [what, text, message] of unreadable) {
  test(`${what} is refused`, () => {
    assert.throws(
      () => new ReplyReader(1000).read(Buffer.from(text)),
      error => error instanceof ReplyError && message.test(error.message),
    );
  });
}
