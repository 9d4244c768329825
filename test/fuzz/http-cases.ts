/** Bytes for a socket: requests of the right form with anything in its places, and damaged ones. */
import fc from 'fast-check';
import { type CorpusTarget, MALFORMED } from '../http/malformed.ts';
import type { Piece } from '../http/raw-client.ts';
import type { Draft } from './case-source.ts';
import { readCorpus } from './corpus.ts';
import { damaged, seeded } from './mutation.ts';

export const GOOD_BODY = JSON.stringify({
  inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] }],
});

const TARGET: CorpusTarget = {
  model: 'fp32',
  goodBody: GOOD_BODY,
  maxBodyBytes: 4096,
  maxInflatedBytes: 4096,
};
/** Of a seed: larger ones cost more than they find, and are sent as they are elsewhere (`npm run bench:malformed`). */
const MOST_BYTES = 8192;

/** Often those that are served. */
const METHODS = [
  ...['GET', 'GET', 'GET', 'POST', 'POST', 'POST', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE'],
  ...['CONNECT', 'PRI', 'get', 'INFER', ''],
];
const NAMES = [
  'fp32',
  'gather',
  'nope',
  '..',
  '%2e%2e',
  '%252e%252e',
  '.hidden',
  '__proto__',
  'a%00b',
  '%zz',
];
const TARGETS = [
  ...['/', '*', '/v2', '/v2/health/live', '/v2/health/ready', '/v2/models/stats', '/v2/repository/index'],
  ...['/v2//health/live', '/V2/health/live', '/../v2', 'http://elsewhere/v2', '/v2?__proto__=1', '//v2'],
  ...[
    '/v2/logging',
    '/v2/trace/setting',
    '/v2/systemsharedmemory/status',
    '/invocations',
    '/metrics',
    '/v1/config',
  ],
  ...NAMES.flatMap(name => [
    `/v2/models/${name}`,
    `/v2/models/${name}/infer`,
    `/v2/models/${name}/versions/1/infer`,
    `/v2/models/${name}/config`,
    `/v2/models/${name}/versions/__proto__/ready`,
    `/v2/repository/models/${name}/load`,
  ]),
];
const HEADERS = [
  ...[
    'Connection: keep-alive',
    'Connection: close',
    'Connection: Upgrade',
    'Upgrade: h2c',
    'Expect: 100-continue',
  ],
  ...[
    'Content-Type: application/json',
    'Content-Type:\tapplication/json',
    'Content-Type: multipart/form-data',
  ],
  ...['Content-Encoding: gzip', 'Content-Encoding: gzip, gzip', 'Content-Encoding: identity', 'TE: trailers'],
  ...['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked, identity', 'Transfer-Encoding : chunked'],
  ...[
    'Content-Length: 0',
    'Content-Length: 2',
    'Content-Length: +2',
    'Content-Length: 0x2',
    'Content-Length: -1',
  ],
  ...['Inference-Header-Content-Length: 5', 'Inference-Header-Content-Length: 1e1', 'Headgate-Timeout-Ms: 0'],
  ...[
    'Headgate-Priority: high',
    'Cache-Control: only-if-cached',
    'Cache-Control: max-age=x',
    'Accept-Encoding: gzip',
  ],
  ...['__proto__: 1', 'constructor: 2', 'Host: b', 'X: a\r\n b', ': a', 'a(b): c', 'X: a\0b', 'nonsense'],
];

/** Of the operator's plane; nothing that takes a model from service. */
const ADMIN_TARGETS = [
  ...[
    '/',
    '/metrics',
    '/v1/config',
    '/v1/models',
    '/v1/workers',
    '/v1/learned',
    '/v1/openapi.json',
    '/v1/%zz',
  ],
  ...[
    '/v1/models/fp32/cache/purge',
    '/v1/models/%2e%2e/cache/purge',
    '/v1/models/__proto__/cache/purge',
    '//v1/config',
  ],
  ...[
    '/v2/models/stats',
    '/v2/repository/index',
    '/v2/repository/models/nope/load',
    '/v2/health/ready',
    '/V1/config',
  ],
  ...['http://evil.example/v1/config', '/v1/config?token=x', '/v1/config/', '/v1%2fconfig', '*'],
];

const targetOf = (targets: readonly string[]) =>
  fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...targets) },
    { weight: 1, arbitrary: fc.string({ maxLength: 40 }).map(text => `/v2/models/${text}/infer`) },
  );
const header = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...HEADERS) },
  { weight: 1, arbitrary: fc.tuple(fc.string({ maxLength: 12 }), fc.string()).map(pair => pair.join(': ')) },
);
const body = fc.oneof(
  fc.constant(''),
  fc.constant(GOOD_BODY),
  fc.string({ maxLength: 60 }),
  fc.json({ maxDepth: 3 }),
);
const framing = fc.constantFrom('none', 'right', 'right', 'short', 'long', 'chunked', 'broken chunks');

const mostly = <T, U>(right: T, odd: fc.Arbitrary<U>): fc.Arbitrary<T | U> =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(right) }, { weight: 1, arbitrary: odd });

const requestTo = (targets: readonly string[], hosts: readonly string[]) =>
  fc
    .record({
      method: fc.constantFrom(...METHODS),
      target: targetOf(targets),
      version: mostly('HTTP/1.1', fc.constantFrom('HTTP/1.0', 'HTTP/9.9', 'HTTP/2', '')),
      host: mostly(hosts[0], fc.constantFrom(...hosts, 'Host:', undefined)),
      headers: mostly([], fc.array(header, { maxLength: 4 })),
      body,
      framing,
      end: mostly('\r\n', fc.constant('\n')),
    })
    .map(({ method, target: to, version, host, headers, body: text, framing: how, end }) => {
      const framed = framedBody(text, how);
      const lines = [`${method} ${to} ${version}`, ...(host === undefined ? [] : [host]), ...headers];
      return Buffer.from([...lines, ...framed.headers, '', framed.body].join(end));
    });

type Framing = 'none' | 'right' | 'short' | 'long' | 'chunked' | 'broken chunks';

function framedBody(text: string, how: Framing): { readonly headers: string[]; readonly body: string } {
  const length = Buffer.byteLength(text);
  switch (how) {
    case 'none':
      return { headers: [], body: text };
    case 'right':
      return { headers: [`Content-Length: ${length}`], body: text };
    case 'short':
      return { headers: [`Content-Length: ${Math.max(0, length - 3)}`], body: text };
    case 'long':
      return { headers: [`Content-Length: ${length + 3}`], body: text };
    case 'chunked':
      return {
        headers: ['Transfer-Encoding: chunked'],
        body: `${length.toString(16)}\r\n${text}\r\n0\r\n\r\n`,
      };
    case 'broken chunks':
      return {
        headers: ['Transfer-Encoding: chunked'],
        body: `${length + 1};x=${text}\r\n${text}\r\n-1\r\n`,
      };
  }
}

const onData = (bytes: fc.Arbitrary<Buffer>): fc.Arbitrary<Draft> => bytes.map(made => ({ bytes: made }));
const onAdmin: fc.Arbitrary<Draft> = damaged(
  requestTo(ADMIN_TARGETS, ['Host: localhost', 'Host: evil.example', 'Host: 127.0.0.1:8002']),
).map(made => ({ bytes: made, plane: 'admin' }));

export function httpCases(): fc.Arbitrary<Draft> {
  const seeds = [...readCorpus('http').map(seed => seed.bytes), ...malformedRequests()];
  return fc.oneof(
    { weight: 5, arbitrary: onData(damaged(requestTo(TARGETS, ['Host: headgate']))) },
    { weight: 1, arbitrary: onData(fc.constantFrom(...seeds)) },
    { weight: 4, arbitrary: onData(seeded(seeds)) },
    { weight: 2, arbitrary: onAdmin },
  );
}

/** The table of malformed requests, those of a handy size. */
function malformedRequests(): Buffer[] {
  return MALFORMED.map(({ send }) => [...send(TARGET)])
    .filter(pieces => pieces.reduce((sum, piece) => sum + bytesOf(piece), 0) <= MOST_BYTES)
    .map(pieces => Buffer.concat(pieces.map(whole)));
}

function bytesOf(piece: Piece): number {
  return typeof piece === 'object' && 'times' in piece
    ? Buffer.byteLength(piece.piece) * piece.times
    : Buffer.byteLength(piece);
}

function whole(piece: Piece): Buffer {
  if (typeof piece === 'string') return Buffer.from(piece, 'latin1');
  if (!('times' in piece)) return piece;
  return Buffer.concat(Array<Buffer>(piece.times).fill(Buffer.from(piece.piece)));
}
