/** Inference requests as the bytes of whole HTTP requests, made before the run. */

import { JsonWriter } from '../protocol/json-writer.ts';
import { encodeExecution } from '../protocol/worker-request.ts';
import { writeTensorData } from '../protocol/write-tensor-data.ts';
import type { Tensor } from '../tensor.ts';
import { modelPath, type ServerAddress } from './describe-model.ts';

export type Encoding = 'binary' | 'json';

interface Body {
  readonly bytes: Uint8Array;
  /** Of the JSON, where binary tensors follow it. */
  readonly jsonLength: number | undefined;
}

/** Binary inputs that ask for binary outputs, or all of it JSON. Throws for what JSON cannot carry: FP16. */
export function inferBody(inputs: readonly Tensor[], encoding: Encoding): Body {
  if (encoding === 'json') return { bytes: jsonBody(inputs), jsonLength: undefined };
  const stacked = inputs.map(({ name, datatype, shape, data }) => ({ name, datatype, shape, parts: [data] }));
  const { header, parts } = encodeExecution({ inputs: stacked, outputs: undefined, rows: 1 });
  return { bytes: Buffer.concat([header, ...parts]), jsonLength: header.length };
}

/** The body as one HTTP/1.1 request on a kept connection. */
export function inferRequest(
  server: ServerAddress,
  model: string,
  version: string | undefined,
  { bytes, jsonLength }: Body,
): Uint8Array {
  const { host, port } = server;
  const headers = {
    host: `${host.includes(':') ? `[${host}]` : host}:${port}`,
    'content-type': jsonLength === undefined ? 'application/json' : 'application/octet-stream',
    ...(jsonLength === undefined ? {} : { 'inference-header-content-length': String(jsonLength) }),
    ...server.headers,
    'content-length': String(bytes.length),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `POST ${modelPath(server, model, version)}/infer HTTP/1.1\r\n${lines.join('')}\r\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), bytes]);
}

function jsonBody(inputs: readonly Tensor[]): Uint8Array {
  const writer = new JsonWriter(4096);
  writer.raw('{"inputs":[');
  for (const [i, tensor] of inputs.entries()) {
    writer.raw(i > 0 ? ',{"name":' : '{"name":');
    writer.string(tensor.name);
    writer.raw(',"shape":');
    writer.integers(tensor.shape);
    writer.raw(`,"datatype":"${tensor.datatype}","data":`);
    writeTensorData(writer, tensor, 'error');
    writer.raw('}');
  }
  writer.raw(']}');
  return writer.finish();
}
