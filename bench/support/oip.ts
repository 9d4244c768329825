/** Open Inference Protocol requests as the bytes of one HTTP request, and their answers as numbers. */
import type { Reply } from './caller.ts';

export type Encoding = 'json' | 'binary';
/** An array of numbers is FP32 too, written to JSON as it stands. */
type Values = Float32Array | BigInt64Array | readonly number[];

export interface Feed {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Values;
}

/** The body of an infer request, and the length of its JSON part where bytes follow it. */
export function inferBody(feeds: readonly Feed[], encoding: Encoding): { body: Buffer; jsonLength?: number } {
  const inputs = feeds.map(({ name, shape, values }) => {
    const datatype = values instanceof BigInt64Array ? 'INT64' : 'FP32';
    const tensor = { name, datatype, shape };
    return encoding === 'json'
      ? { ...tensor, data: Array.from(values, Number) }
      : { ...tensor, parameters: { binary_data_size: bytesOf(values).length } };
  });
  const parameters = encoding === 'binary' ? { parameters: { binary_data_output: true } } : {};
  const json = Buffer.from(JSON.stringify({ inputs, ...parameters }));
  if (encoding === 'json') return { body: json };
  return {
    body: Buffer.concat([json, ...feeds.map(({ values }) => bytesOf(values))]),
    jsonLength: json.length,
  };
}

function bytesOf(values: Values): Uint8Array {
  const { buffer, byteOffset, byteLength } = 'buffer' in values ? values : Float32Array.from(values);
  return new Uint8Array(buffer, byteOffset, byteLength);
}

export function inferHeaders({ jsonLength }: { jsonLength?: number }): Record<string, string> {
  return jsonLength === undefined
    ? { 'content-type': 'application/json' }
    : { 'content-type': 'application/octet-stream', 'inference-header-content-length': String(jsonLength) };
}

/** The bytes of a whole keep-alive HTTP request to `path`. */
export function inferRequest(path: string, feeds: readonly Feed[], encoding: Encoding): Buffer {
  const parts = inferBody(feeds, encoding);
  const headers = { host: '127.0.0.1', ...inferHeaders(parts), 'content-length': String(parts.body.length) };
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\n${head.join('')}\r\n`), parts.body]);
}

export const inferPath = (model: string, version?: number | string): string =>
  `/v2/models/${model}${version === undefined ? '' : `/versions/${version}`}/infer`;

interface JsonOutput {
  readonly name: string;
  readonly datatype: string;
  readonly data?: readonly number[];
  readonly parameters?: { readonly binary_data_size?: number };
}

/** Output name → its values, row-major. Throws when the answer is no 200 or not what the protocol says. */
export function readAnswer({ status, headers, body }: Reply): Map<string, readonly (number | bigint)[]> {
  if (status !== 200) throw new Error(`status ${status}: ${body.toString().slice(0, 300)}`);
  const jsonLength = Number(headers.get('inference-header-content-length') ?? body.length);
  const { outputs } = JSON.parse(body.toString('utf8', 0, jsonLength)) as { outputs: JsonOutput[] };
  const found = new Map<string, readonly (number | bigint)[]>();
  let at = jsonLength;
  for (const { name, datatype, data, parameters } of outputs) {
    if (data !== undefined) {
      found.set(name, data);
      continue;
    }
    const bytes = new Uint8Array(body.subarray(at, at + (parameters?.binary_data_size ?? 0)));
    at += bytes.length;
    found.set(name, Array.from(view(bytes, datatype)));
  }
  if (at !== body.length) throw new Error(`${body.length - at} bytes too many in the answer`);
  return found;
}

function view(bytes: Uint8Array, datatype: string): ArrayLike<number | bigint> & Iterable<number | bigint> {
  if (datatype === 'FP32') return new Float32Array(bytes.buffer);
  if (datatype === 'INT64') return new BigInt64Array(bytes.buffer);
  throw new Error(`no ${datatype} expected in an answer`);
}
