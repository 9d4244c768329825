/** A well-framed inference request: whatever its body and its headers say, where it ends is certain. */
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { FUZZ_MODELS, type FuzzModel } from './fuzz-models.ts';

export interface InferParts {
  readonly model: string;
  readonly headers: readonly string[];
  readonly body: Buffer;
}

export const fuzzModel: fc.Arbitrary<FuzzModel> = fc.constantFrom(...FUZZ_MODELS);

export function inferBytes({ model, headers, body }: InferParts): Buffer {
  const head = [
    `POST /v2/models/${model}/infer HTTP/1.1`,
    'Host: headgate',
    ...headers,
    `Content-Length: ${body.length}`,
  ];
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body]);
}

/** Header and body of bytes that `inferBytes` made. */
export function partsOf(bytes: Buffer): { readonly head: string; readonly body: Buffer } {
  const end = bytes.indexOf('\r\n\r\n');
  return { head: bytes.toString('latin1', 0, end), body: bytes.subarray(end + 4) };
}

/** The same request with another body: what shrinks it. */
export function withBody(bytes: Buffer, body: Buffer): Buffer {
  const head = partsOf(bytes).head.replace(/Content-Length: \d+$/, `Content-Length: ${body.length}`);
  return Buffer.concat([Buffer.from(`${head}\r\n\r\n`, 'latin1'), body]);
}

const rare = fc.constantFrom(
  ...[
    'Headgate-Timeout-Ms: 60000',
    'Headgate-Timeout-Ms: 1e3',
    'Headgate-Priority: 1',
    'Headgate-Priority: 65',
  ],
  ...[
    'Cache-Control: only-if-cached',
    'Cache-Control: no-store',
    'Cache-Control: max-age=0',
    'Accept-Encoding: gzip',
  ],
  ...['Content-Type: application/json', 'Content-Type: ', 'Headgate-Sticky-Key: a', 'Traceparent: 00-x-y-z'],
);

/** Seldom any. */
export const otherHeaders: fc.Arbitrary<readonly string[]> = fc.oneof(
  { weight: 5, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: fc.uniqueArray(rare, { maxLength: 2, selector: line => line.split(':')[0] }) },
);

/** Now and then inflated by the server, rightly or not. */
export const encoded: fc.Arbitrary<(body: Buffer) => Pick<InferParts, 'headers' | 'body'>> = fc.oneof(
  { weight: 20, arbitrary: fc.constant((body: Buffer) => ({ headers: [], body })) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      (body: Buffer) => ({ headers: ['Content-Encoding: gzip'], body: gzipSync(body) }),
      (body: Buffer) => ({ headers: ['Content-Encoding: gzip'], body }),
      (body: Buffer) => ({ headers: ['Content-Encoding: deflate'], body: gzipSync(body).subarray(0, -4) }),
    ),
  },
);
