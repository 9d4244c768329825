/**
 * The head of an inference request in its plainest form. Strict on purpose: whatever is not exactly that is left to
 * node:http, which knows the rest of HTTP. Pure.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { namedIn } from './infer-path.ts';
import { checkNames, type Named } from './names.ts';
import { type InferHead, readInferHead } from './request-head.ts';

export interface PlainHead {
  /** Its bytes, the empty line included. Clients repeat them: equal bytes mean the same head. */
  readonly bytes: Buffer;
  readonly named: Named;
  readonly infer: InferHead;
  readonly headers: IncomingHttpHeaders;
  /** What follows it. At least 1. */
  readonly bodyBytes: number;
}

const MAX_HEAD_BYTES = 4096;
const MAX_HEADERS = 64;
const REQUEST_LINE = /^POST ([\x21-\x7e]{1,1024}) HTTP\/1\.1$/;
const HEADER = /^([A-Za-z0-9-]{1,64}): ?([\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)$/;
/** They change how the message is framed, or what happens on the connection. */
const NOT_PLAIN = ['transfer-encoding', 'expect', 'upgrade', 'trailer', 'te', 'http2-settings'];
const BODY_BYTES = /^[1-9]\d{0,9}$/;

/** The head these bytes begin with; undefined where they begin with anything else, or with a part of one. */
export function parsePlainHead(bytes: Buffer): PlainHead | undefined {
  const end = bytes.subarray(0, MAX_HEAD_BYTES).indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const named = namedIn(REQUEST_LINE.exec(first)?.[1] ?? '');
  const headers = lines.length <= MAX_HEADERS ? readHeaders(lines) : undefined;
  if (named === undefined || headers === undefined || !isPlain(headers)) return undefined;
  const infer = readOrLeave(named, headers);
  if (infer === undefined) return undefined;
  const bodyBytes = Number(headers['content-length']);
  return { bytes: Buffer.from(bytes.subarray(0, end + 4)), named, infer, headers, bodyBytes };
}

/** Undefined where a line is not plainly a header, or repeats one. */
function readHeaders(lines: readonly string[]): IncomingHttpHeaders | undefined {
  const headers: Record<string, string> = Object.create(null);
  for (const line of lines) {
    const found = HEADER.exec(line);
    const name = found?.[1]?.toLowerCase();
    if (found === null || name === undefined || Object.hasOwn(headers, name)) return undefined;
    headers[name] = found[2] as string;
  }
  return headers;
}

function isPlain(headers: IncomingHttpHeaders): boolean {
  if (headers.host === undefined || !BODY_BYTES.test(headers['content-length'] ?? '')) return false;
  if ((headers.connection ?? 'keep-alive').toLowerCase() !== 'keep-alive') return false;
  return !NOT_PLAIN.some(name => Object.hasOwn(headers, name));
}

/** What would be refused is left to node:http, too. */
function readOrLeave(named: Named, headers: IncomingHttpHeaders): InferHead | undefined {
  try {
    checkNames(named);
    return readInferHead(headers);
  } catch {
    return undefined;
  }
}
