/** The bytes of one inference on the worker's socket. */
import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { Execution } from '../inference.ts';
import { encodeExecution } from '../protocol/worker-request.ts';

/** From this size, copying the rows together costs more than writing them one by one. */
const WRITE_PARTS_FROM_BYTES = 1024 * 1024;
/** Below this mean size of a part, one write a part costs more than the copy. */
const MIN_PART_BYTES = 256 * 1024;

export type RequestBody = Pick<Dispatcher.DispatchOptions, 'body' | 'headers'>;

export type RequestParameters = Readonly<Record<string, string | number | boolean>>;

export function requestBody(execution: Execution, parameters?: RequestParameters): RequestBody {
  const { header, parts, byteLength } = encodeExecution(execution, parameters);
  const headers = [
    'content-type',
    'application/octet-stream',
    'inference-header-content-length',
    String(header.byteLength),
  ];
  if (byteLength >= WRITE_PARTS_FROM_BYTES && byteLength >= MIN_PART_BYTES * parts.length) {
    headers.push('content-length', String(byteLength));
    // undici writes any iterable of byte arrays; its types know streams alone.
    return { headers, body: [header, ...parts] as unknown as Readable };
  }
  return { headers, body: joined(header, parts, byteLength) };
}

/** The one copy of a row between the client's body and the worker's socket. */
function joined(header: Uint8Array, parts: readonly Uint8Array[], byteLength: number): Buffer {
  const body = Buffer.allocUnsafe(byteLength);
  body.set(header);
  let at = header.byteLength;
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i] as Uint8Array;
    body.set(part, at);
    at += part.byteLength;
  }
  return body;
}
