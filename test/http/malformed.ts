/**
 * Requests that no good client sends, as bytes on the wire, each with the one answer it must get. The same table runs
 * against the data plane over a fake gateway and, end to end, against the whole product.
 */
import { deflateSync, gzipSync } from 'node:zlib';
import type { Piece } from './raw-client.ts';

/** What the table needs to know of the server it is sent to. */
export interface CorpusTarget {
  /** A ready model. */
  readonly model: string;
  /** A JSON inference request that it answers with 200. */
  readonly goodBody: string;
  readonly maxBodyBytes: number;
  readonly maxInflatedBytes: number;
}

export interface MalformedCase {
  readonly name: string;
  readonly send: (target: CorpusTarget) => Iterable<Piece>;
  /** The status of its one answer. */
  readonly status: number;
  /** Whether the server must end the connection; otherwise the next request on it is served. */
  readonly closes: boolean;
  readonly head?: boolean;
  /** A good request stands in front of it on the connection. */
  readonly followsGood?: boolean;
  /** Waits for one of the server's timeouts: seconds, with ordinary settings. */
  readonly slow?: boolean;
}

type Send = MalformedCase['send'];

const LIVE = 'GET /v2/health/live HTTP/1.1\r\n';
const HOST = 'Host: headgate\r\n';

/** An infer request with these extra header lines and this body, or the good one. */
function infer(headers: string, body?: string | Buffer, length?: number | string): Send {
  return ({ model, goodBody }) => {
    const bytes = body ?? goodBody;
    const contentLength = length ?? Buffer.byteLength(bytes);
    return [
      `POST /v2/models/${model}/infer HTTP/1.1\r\n${HOST}Content-Length: ${contentLength}\r\n${headers}\r\n`,
      bytes,
    ];
  };
}

function chunkedInfer(...body: Piece[]): Send {
  return ({ model }) => [
    `POST /v2/models/${model}/infer HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`,
    ...body,
  ];
}

/** A bare request line with Host, no body. */
function line(requestLine: string, headers = ''): Send {
  return () => [`${requestLine}\r\n${HOST}${headers}\r\n`];
}

function refused(name: string, status: number, send: Send): MalformedCase {
  return { name, status, send, closes: true };
}

/** The request is wrong but well framed: the connection lives on. */
function answered(name: string, status: number, send: Send): MalformedCase {
  return { name, status, send, closes: false };
}

const FRAMING: readonly MalformedCase[] = [
  refused('not HTTP at all', 400, () => ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03hello\r\n\r\n']),
  refused('lower-case method', 400, line('get /v2 HTTP/1.1')),
  refused('unknown method', 400, line('INFER /v2 HTTP/1.1')),
  refused('no target', 400, line('GET  HTTP/1.1')),
  refused('HTTP/9.9', 400, line('GET /v2 HTTP/9.9')),
  refused('no HTTP version', 400, () => [`GET /v2/models/nope\r\n${HOST}\r\n`]),
  refused('unknown method and no HTTP version', 400, () => [`PRI /v2\r\n${HOST}\r\n`]),
  refused('HTTP/2 preface', 400, () => ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n']),
  refused('no Host', 400, () => [`${LIVE}\r\n`]),
  refused('bare LF line ends', 400, () => ['GET /v2/health/live HTTP/1.1\nHost: headgate\n\n']),
  refused('bare CR in a header', 400, () => [`${LIVE}${HOST}X: a\rb\r\n\r\n`]),
  refused('NUL in a header value', 400, () => [`${LIVE}${HOST}X: a\0b\r\n\r\n`]),
  refused('header folded over two lines', 400, () => [`${LIVE}${HOST}X: a\r\n b\r\n\r\n`]),
  refused('space before the colon', 400, () => [`${LIVE}${HOST}X : a\r\n\r\n`]),
  refused('header without a colon', 400, () => [`${LIVE}${HOST}nonsense\r\n\r\n`]),
  refused('empty header name', 400, () => [`${LIVE}${HOST}: a\r\n\r\n`]),
  refused('non-token header name', 400, () => [`${LIVE}${HOST}a(b): c\r\n\r\n`]),
  refused('2,001 headers', 431, () => [LIVE, HOST, { piece: 'a:b\r\n', times: 2001 }, '\r\n']),
  refused('one huge header', 431, () => [`${LIVE}${HOST}X: `, { piece: 'a', times: 100_000 }, '\r\n\r\n']),
  refused('huge header name', 431, () => [`${LIVE}${HOST}`, { piece: 'a', times: 100_000 }, ': b\r\n\r\n']),
  refused('URL of 8 KiB', 414, () => ['GET /v2/', { piece: 'a', times: 8192 }, ` HTTP/1.1\r\n${HOST}\r\n`]),
  refused('URL of 100 KB', 431, () => [
    'GET /v2/',
    { piece: 'a', times: 100_000 },
    ` HTTP/1.1\r\n${HOST}\r\n`,
  ]),
  refused('Content-Length and Transfer-Encoding', 400, infer('Transfer-Encoding: chunked\r\n', '0\r\n\r\n')),
  refused('two Content-Lengths', 400, infer('Content-Length: 3\r\n')),
  refused('the same Content-Length twice', 400, infer('Content-Length: 2\r\n', '{}')),
  refused('Content-Length list', 400, infer('', '{}', '2, 2')),
  refused('negative Content-Length', 400, infer('', '{}', '-2')),
  refused('signed Content-Length', 400, infer('', '{}', '+2')),
  refused('hexadecimal Content-Length', 400, infer('', '{}', '0x2')),
  refused('Content-Length beyond 64 bits', 400, infer('', '{}', '99999999999999999999')),
  refused('unknown Transfer-Encoding', 400, ({ model }) => [
    `POST /v2/models/${model}/infer HTTP/1.1\r\n${HOST}Transfer-Encoding: gzip\r\n\r\n{}`,
  ]),
  refused('Transfer-Encoding after chunked', 400, ({ model }) => [
    `POST /v2/models/${model}/infer HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
  ]),
  refused('Transfer-Encoding hidden by a space', 400, ({ model }) => [
    `POST /v2/models/${model}/infer HTTP/1.1\r\n${HOST}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`,
  ]),
  refused('chunk size that is no number', 400, chunkedInfer('zz\r\n{}\r\n0\r\n\r\n')),
  refused('negative chunk size', 400, chunkedInfer('-2\r\n{}\r\n0\r\n\r\n')),
  refused('chunk size beyond 64 bits', 400, chunkedInfer('fffffffffffffffff\r\n{}')),
  refused('chunk longer than it says', 400, chunkedInfer('1\r\n{}\r\n0\r\n\r\n')),
  refused(
    'huge chunk extension',
    413,
    chunkedInfer('2;', { piece: 'a', times: 100_000 }, '\r\n{}\r\n0\r\n\r\n'),
  ),
  refused(
    'huge trailer',
    431,
    chunkedInfer('2\r\n{}\r\n0\r\nX: ', { piece: 'a', times: 100_000 }, '\r\n\r\n'),
  ),
  { ...refused('head that never ends', 408, () => [`${LIVE}${HOST}X: a`]), slow: true },
  { ...refused('connection that never speaks', 408, () => []), slow: true },
  { ...refused('body shorter than announced', 408, infer('', '{"inputs":', 1000)), slow: true },
  { ...refused('chunked body that never ends', 408, chunkedInfer('2\r\n{}\r\n')), slow: true },
  {
    ...refused('garbage after a good request', 400, () => [`${LIVE}${HOST}\r\n`, 'garbage\r\n\r\n']),
    followsGood: true,
  },
];

const SIZES: readonly MalformedCase[] = [
  refused('announced body above the limit', 413, target => infer('', '{', target.maxBodyBytes + 1)(target)),
  refused('announced body of 2⁵³ bytes', 413, infer('', '{', 2 ** 53)),
  refused('chunked body above the limit', 413, target =>
    chunkedInfer({ piece: `1000\r\n${' '.repeat(4096)}\r\n`, times: target.maxBodyBytes / 4096 + 2 })(target),
  ),
  refused('announced body above the limit, asking first', 413, target =>
    infer('Expect: 100-continue\r\n', '', target.maxBodyBytes + 1)(target),
  ),
  refused('unknown expectation', 417, infer('Expect: the-spanish-inquisition\r\n')),
  refused(
    '100,000 chunks of one byte',
    400,
    chunkedInfer({ piece: '1\r\n[\r\n', times: 100_000 }, '0\r\n\r\n'),
  ),
  answered(
    '10,000 chunks of one byte',
    400,
    chunkedInfer({ piece: '1\r\n[\r\n', times: 10_000 }, '0\r\n\r\n'),
  ),
  answered('JSON nested 100,000 deep', 400, infer('', '['.repeat(100_000))),
  answered('JSON nested 101 deep in data', 400, ({ model, goodBody }) =>
    infer(
      '',
      goodBody.replace(/"data":\[.*?\]/, `"data":${'['.repeat(101)}1${']'.repeat(101)}`),
    )({
      model,
      goodBody,
      maxBodyBytes: 0,
      maxInflatedBytes: 0,
    }),
  ),
  answered('gzip bomb', 413, bomb(gzipSync, 'gzip')),
  answered('deflate bomb', 413, bomb(deflateSync, 'deflate')),
];

function bomb(compress: (bytes: Buffer) => Buffer, encoding: string): Send {
  return target =>
    infer(
      `Content-Encoding: ${encoding}\r\n`,
      compress(Buffer.alloc(target.maxInflatedBytes + 1, 32)),
    )(target);
}

const CONTENT: readonly MalformedCase[] = [
  answered('empty body', 400, infer('', '')),
  answered('POST without a body', 400, target =>
    line(`POST /v2/models/${target.model}/infer HTTP/1.1`)(target),
  ),
  answered('truncated JSON', 400, infer('', '{"inputs":[')),
  answered('JSON that is no object', 400, infer('', '[1,2,3]')),
  answered('text after the JSON', 400, infer('', '{"inputs":[]} x')),
  answered('invalid UTF-8', 400, infer('', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]))),
  answered('__proto__ as a key', 400, infer('', '{"__proto__":{"inputs":[]}}')),
  answered('__proto__ as an input name', 400, ({ goodBody, ...rest }) =>
    infer('', goodBody.replace(/"name":"[^"]*"/, '"name":"__proto__"'))({ goodBody, ...rest }),
  ),
  answered('form', 400, infer('Content-Type: application/x-www-form-urlencoded\r\n', 'a=b')),
  answered('multipart', 415, infer('Content-Type: multipart/form-data; boundary=x\r\n', '--x--')),
  answered('unknown Content-Encoding', 415, infer('Content-Encoding: br\r\n')),
  answered('two Content-Encodings', 415, infer('Content-Encoding: gzip, gzip\r\n')),
  answered('gzip that is none', 400, infer('Content-Encoding: gzip\r\n')),
  answered('deflate that is none', 400, infer('Content-Encoding: deflate\r\n')),
  answered('gzip cut short', 400, target =>
    infer('Content-Encoding: gzip\r\n', gzipSync(target.goodBody).subarray(0, -9))(target),
  ),
  ...['-1', '+1', '1e1', '0x10', '1.0', '', '5, 5', 'NaN', '99999999', '9007199254740993'].map(value =>
    answered(`header length "${value}"`, 400, infer(`Inference-Header-Content-Length: ${value}\r\n`)),
  ),
  answered(
    'header length sent twice',
    400,
    infer('Inference-Header-Content-Length: 5\r\nInference-Header-Content-Length: 5\r\n'),
  ),
  ...['0', '-1', '1.5', '1e3', 'soon', '99999999999'].map(value =>
    answered(`timeout "${value}"`, 400, infer(`Headgate-Timeout-Ms: ${value}\r\n`)),
  ),
  ...['0', '-1', '65', 'high'].map(value =>
    answered(`priority "${value}"`, 400, infer(`Headgate-Priority: ${value}\r\n`)),
  ),
];

function path(shown: string, status = 404, target = shown): MalformedCase {
  return answered(`path ${shown}`, status, line(`GET ${target} HTTP/1.1`));
}

const PATHS: readonly MalformedCase[] = [
  path('/v2/models/..'),
  path('/v2/models/%2e%2e'),
  path('/v2/models/%2e%2e%2fsecret/ready'),
  path('/v2/models/%252e%252e'),
  path('/v2/models/.hidden'),
  path('/v2/models/a%00b'),
  path('/v2/models/%zz', 400),
  path('/v2/models/%c0%ae', 400),
  path('/v2/models/__proto__'),
  path('/v2/models/constructor/config'),
  path('/v2/models/a%5c..%5cb/stats'),
  path('/v2/models/(129 letters)', 404, `/v2/models/${'m'.repeat(129)}`),
  path('/v2/models/(1,100 letters)', 404, `/v2/models/${'m'.repeat(1100)}`),
  path('/V2/health/live'),
  path('/v2//health/live'),
  path('/v2/health/live/'),
  path('/../v2/health/live'),
  path('/'),
  path('*'),
  path('/v2?__proto__=1', 200),
  answered(
    'unknown model with a body',
    404,
    line('POST /v2/models/nope/infer HTTP/1.1', 'Content-Length: 0\r\n'),
  ),
  refused(
    'unknown model with a large body',
    404,
    line('POST /v2/models/nope/infer HTTP/1.1', 'Content-Length: 900000\r\n'),
  ),
  answered(
    'header named __proto__',
    200,
    line('GET /v2/health/live HTTP/1.1', '__proto__: 1\r\nconstructor: 2\r\n'),
  ),
  answered('absolute target', 200, line('GET http://elsewhere/v2/health/live HTTP/1.1')),
  refused(
    'Upgrade to another protocol',
    200,
    line('GET /v2/health/live HTTP/1.1', 'Connection: Upgrade\r\nUpgrade: h2c\r\n'),
  ),
  refused('infer with an Upgrade', 200, infer('Connection: Upgrade\r\nUpgrade: h2c\r\n')),
  refused('CONNECT', 405, line('CONNECT headgate:80 HTTP/1.1')),
];

const VERBS: readonly MalformedCase[] = ['OPTIONS', 'TRACE', 'DELETE', 'PUT', 'PATCH', 'PROPFIND'].flatMap(
  verb =>
    ['/v2', '/v2/health/live', '/v2/models/stats', '/v2/repository/index'].map(at =>
      answered(`${verb} ${at}`, 405, line(`${verb} ${at} HTTP/1.1`)),
    ),
);

const WRONG_VERBS: readonly MalformedCase[] = [
  ...VERBS,
  answered('GET on infer', 405, target => line(`GET /v2/models/${target.model}/infer HTTP/1.1`)(target)),
  {
    ...answered('HEAD on infer', 405, target =>
      line(`HEAD /v2/models/${target.model}/infer HTTP/1.1`)(target),
    ),
    head: true,
  },
  answered('DELETE on a model', 405, target => line(`DELETE /v2/models/${target.model} HTTP/1.1`)(target)),
  answered('DELETE with a body on infer', 405, ({ model }) => [
    `DELETE /v2/models/${model}/infer HTTP/1.1\r\n${HOST}Content-Type: a/b\r\nContent-Length: 2\r\n\r\n{}`,
  ]),
  answered('POST on health', 405, line('POST /v2/health/live HTTP/1.1')),
];

export const MALFORMED: readonly MalformedCase[] = [
  ...FRAMING,
  ...SIZES,
  ...CONTENT,
  ...PATHS,
  ...WRONG_VERBS,
];
