/** What the head of an infer request says, checked before a byte of its body is read. */
import type { IncomingHttpHeaders } from 'node:http';
import { GatewayError } from '../errors.ts';
import type { CacheControl } from '../inference.ts';
import { readCacheControl } from './cache-control.ts';
import type { Target } from './service.ts';

export type ContentEncoding = 'identity' | 'gzip' | 'deflate';

export interface InferHead {
  readonly encoding: ContentEncoding;
  /** Bytes of JSON at the front of the (inflated) body; undefined: all of it. */
  readonly headerLength: number | undefined;
  readonly timeoutMs: number | undefined;
  readonly priority: number | undefined;
  /** Undefined: it says nothing that matters here. */
  readonly cacheControl: CacheControl | undefined;
}

/** What any model may have: `priorityLevels`' own limit. 1 is the most urgent. */
const MOST_LEVELS = 64;

/** Throws `invalid` or `unsupported-encoding`, naming the header. */
export function readInferHead(headers: IncomingHttpHeaders): InferHead {
  checkContentType(headers['content-type']);
  return {
    encoding: contentEncoding(headers['content-encoding']),
    headerLength: wholeNumber(headers, 'inference-header-content-length', 0, Number.MAX_SAFE_INTEGER),
    timeoutMs: wholeNumber(headers, 'headgate-timeout-ms', 1, 1e9),
    priority: wholeNumber(headers, 'headgate-priority', 1, MOST_LEVELS),
    cacheControl: readCacheControl(headers['cache-control']),
  };
}

/**
 * Clients send JSON, octet-stream, nothing or their library's default, which for `curl -d` is urlencoded: the body
 * decides what it is. Only a multipart form is surely a mistake.
 */
function checkContentType(value: string | undefined): void {
  if (value !== undefined && /^\s*multipart\//i.test(value)) {
    throw new GatewayError(
      'unsupported-encoding',
      'content-type: expected application/json or application/octet-stream, not a multipart form',
    );
  }
}

function contentEncoding(value: string | undefined): ContentEncoding {
  if (value === undefined) return 'identity';
  switch (value.trim().toLowerCase()) {
    case '':
    case 'identity':
      return 'identity';
    case 'gzip':
    case 'x-gzip':
      return 'gzip';
    case 'deflate':
      return 'deflate';
    default:
      throw new GatewayError('unsupported-encoding', 'content-encoding: expected gzip or deflate, once');
  }
}

/** Digits only: a repeated header arrives joined by a comma and is refused like a sign, a point or hexadecimal. */
function wholeNumber(
  headers: IncomingHttpHeaders,
  name: string,
  least: number,
  most: number,
): number | undefined {
  const text = headers[name];
  if (text === undefined) return undefined;
  const value = typeof text === 'string' && /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
  throw new GatewayError('invalid', `${name}: expected one whole number ${range}`);
}

/**
 * When the answer is no longer wanted, on `now`'s clock, ms: the smaller of the header's and the parameter's timeout,
 * or the model's own, and never later than the model allows. A parameter of 0 is none, as Triton has it.
 */
export function deadlineOf(
  head: InferHead,
  timeoutUs: number | undefined,
  target: Pick<Target, 'timeoutMs' | 'maxTimeoutMs'>,
  now: number,
): number {
  const asked = Math.min(head.timeoutMs ?? Infinity, timeoutUs ? timeoutUs / 1000 : Infinity);
  return now + Math.min(asked === Infinity ? target.timeoutMs : asked, target.maxTimeoutMs);
}

/**
 * The header's priority, else the parameter's. None, 0, and what is beyond the model's levels are the last level, the
 * least urgent: nobody gets ahead of others but where the operator has given a model more than one level.
 */
export function priorityOf(head: InferHead, parameter: number | undefined, levels: number): number {
  const asked = head.priority ?? parameter;
  return asked !== undefined && asked >= 1 && asked <= levels ? asked : levels;
}
