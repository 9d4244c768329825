/** Answers of the worker: JSON documents, errors, inference replies. */
import type { ServerResponse } from 'node:http';
import { type ErrorCode, GatewayError } from '../errors.ts';
import { type EncodedReply, encodeInfer } from '../protocol/encode-infer.ts';
import type { InferRequest } from '../protocol/infer-request.ts';
import { DEFAULT_PARAMETERS } from '../protocol/read-parameters.ts';
import type { Tensor, TensorSpec } from '../tensor.ts';
import type { LoadedModel, Outputs } from './loaded-model.ts';
import type { Slot } from './slot.ts';

const STATUS: Readonly<Partial<Record<ErrorCode, number>>> = {
  invalid: 400,
  'not-found': 404,
  'method-not-allowed': 405,
  'too-large': 413,
  overloaded: 429,
  unavailable: 503,
};

/** How a reply is written: which outputs, as JSON or binary. */
export type ReplyForm = Pick<InferRequest, 'id' | 'outputs' | 'parameters'>;

export const ALL_BINARY: ReplyForm = {
  id: '',
  outputs: undefined,
  parameters: { ...DEFAULT_PARAMETERS, binaryDataOutput: true },
};

const ENCODE_OPTIONS = { nonFinite: 'error', classLabels: new Map<string, readonly string[]>() } as const;

export function answerJson(res: ServerResponse, status: number, body?: unknown): void {
  const text = body === undefined ? '' : JSON.stringify(body);
  res.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  res.end(text);
}

/** 500 for every code without a status of its own. An unknown error's text stays inside. */
export function answerError(res: ServerResponse, thrown: unknown): void {
  const error = GatewayError.from(thrown);
  if (error.code === 'internal') console.error(error.cause ?? error);
  if (!res.headersSent) answerJson(res, STATUS[error.code] ?? 500, { error: error.message });
}

/** The outputs of a finished run, as views of the slot or of what was transferred. */
export function outputTensors(
  model: LoadedModel,
  slot: Slot,
  asked: readonly number[],
  large: Outputs,
): readonly Tensor[] {
  return asked.map((output, i) => {
    const { name, datatype } = model.signature.outputs[output] as TensorSpec;
    const { offset, byteLength, shape } = slot.view.readOutput(i);
    const data =
      large === undefined ? slot.view.reply.subarray(offset, offset + byteLength) : (large[i] as Uint8Array);
    return { name, datatype, shape, data };
  });
}

/**
 * Writes the reply. Small outputs are copied, so that their slot is free when this returns; large ones are written
 * from where ONNX Runtime's binding put them.
 */
export function answerInference(
  res: ServerResponse,
  model: LoadedModel,
  outputs: readonly Tensor[],
  form: ReplyForm,
  inferMs: number,
  inSlot: boolean,
): void {
  const reply = { model: model.name, version: model.version, id: form.id, outputs };
  const { headerLength, contentType, chunks, byteLength } = encodeInfer(reply, form, ENCODE_OPTIONS);
  const headers = [
    'content-type',
    contentType,
    'content-length',
    String(byteLength),
    'server-timing',
    `infer;dur=${inferMs.toFixed(3)}`,
  ];
  if (headerLength !== undefined) headers.push('inference-header-content-length', String(headerLength));
  res.writeHead(200, headers);
  if (inSlot) res.end(joined(chunks, byteLength));
  else writeAll(res, chunks);
}

function joined(chunks: EncodedReply['chunks'], byteLength: number): Uint8Array {
  const body = Buffer.allocUnsafe(byteLength);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.length;
  }
  return body;
}

function writeAll(res: ServerResponse, chunks: EncodedReply['chunks']): void {
  res.cork();
  for (const chunk of chunks) res.write(chunk);
  res.end();
  res.uncork();
}
