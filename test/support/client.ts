/** A small Open Inference Protocol client that shares no code with Headgate's codec, so that it can be held against it. */
import assert from 'node:assert/strict';

export interface FloatTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** The JSON part. */
  readonly json: AnswerJson;
  /** Binary outputs by name. */
  readonly binary: ReadonlyMap<string, Float32Array>;
}

export interface AnswerJson {
  readonly error?: string;
  readonly id?: string;
  readonly model_version?: string;
  readonly outputs?: readonly {
    readonly name: string;
    readonly datatype: string;
    readonly shape: readonly number[];
    readonly data?: readonly unknown[];
    readonly parameters?: { readonly binary_data_size?: number };
  }[];
}

/** Fails with the gateway's own words when the answer is not a 200. */
export function assertOk(answer: Answer): void {
  assert.equal(answer.status, 200, answer.json.error ?? 'no error text');
}

/** Where a model, or one version or label of it, takes inference requests. */
export function inferUrl(base: string, model: string, version?: string): string {
  const at = version === undefined ? '' : `/versions/${version}`;
  return `${base}/v2/models/${model}${at}/infer`;
}

/** FP32 inputs as JSON; the answer as JSON. */
export async function inferJson(
  url: string,
  inputs: readonly FloatTensor[],
  more: Readonly<Record<string, unknown>> = {},
): Promise<Answer> {
  const body = JSON.stringify({
    inputs: inputs.map(({ name, shape, data }) => ({ name, shape, datatype: 'FP32', data: [...data] })),
    ...more,
  });
  return readAnswer(await fetch(url, { method: 'POST', body }));
}

/** FP32 inputs as binary tensors; the answer's outputs as binary tensors. */
export async function inferBinary(
  url: string,
  inputs: readonly FloatTensor[],
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const { body, headerLength } = binaryBody(inputs);
  return readAnswer(
    await fetch(url, {
      method: 'POST',
      body,
      headers: { 'inference-header-content-length': String(headerLength), ...headers },
    }),
  );
}

/** The bytes of a binary request for FP32 inputs. */
export function binaryBody(inputs: readonly FloatTensor[]): {
  body: Buffer<ArrayBuffer>;
  headerLength: number;
} {
  const json = Buffer.from(
    JSON.stringify({
      parameters: { binary_data_output: true },
      inputs: inputs.map(({ name, shape, data }) => ({
        name,
        shape,
        datatype: 'FP32',
        parameters: { binary_data_size: data.byteLength },
      })),
    }),
  );
  const tensors = inputs.map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  return { body: Buffer.concat([json, ...tensors]), headerLength: json.length };
}

/** Checks nothing. */
export async function readAnswer(response: Response): Promise<Answer> {
  const bytes = Buffer.from(await response.arrayBuffer());
  const length = response.headers.get('inference-header-content-length');
  const end = length === null ? bytes.length : Number(length);
  const json = JSON.parse(bytes.toString('utf8', 0, end)) as AnswerJson;
  const binary = new Map<string, Float32Array>();
  let at = end;
  for (const output of json.outputs ?? []) {
    const size = output.parameters?.binary_data_size;
    if (size === undefined) continue;
    const own = new Uint8Array(bytes.subarray(at, at + size));
    if (output.datatype === 'FP32') binary.set(output.name, new Float32Array(own.buffer));
    at += size;
  }
  return { status: response.status, headers: response.headers, json, binary };
}
