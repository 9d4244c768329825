/** Answers of the worker: JSON documents, errors, inference replies. */
import type { ServerResponse } from 'node:http';
import { type ErrorCode, GatewayError } from '../errors.ts';
import { encodeInfer } from '../protocol/encode-infer.ts';
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

const NO_BYTES = Buffer.alloc(0);
const ENCODE_OPTIONS = { nonFinite: 'error', classLabels: new Map<string, readonly string[]>() } as const;

export function answerJson(res: ServerResponse, status: number, body?: unknown): void {
  const text = body === undefined ? '' : JSON.stringify(body);
  res.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  res.end(text);
}

export function answerError(res: ServerResponse, thrown: unknown): void {
  const answer = errorAnswer(thrown);
  if (!res.headersSent) writeAnswer(res, answer);
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

/** An answer as any line writes it. */
export interface LineAnswer {
  readonly status: number;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly chunks: readonly Uint8Array[];
  readonly byteLength: number;
  /** The chunks lie in a slot and must be copied before `answer` returns. */
  readonly inSlot: boolean;
}

/** 500 for every code without a status of its own. An unknown error's text stays inside. */
export function errorAnswer(thrown: unknown): LineAnswer {
  const error = GatewayError.from(thrown);
  if (error.code === 'internal') console.error(error.cause ?? error);
  const body = Buffer.from(JSON.stringify({ error: error.message }));
  return {
    status: STATUS[error.code] ?? 500,
    headers: ['content-type', 'application/json', 'content-length', String(body.length)],
    chunks: [body],
    byteLength: body.length,
    inSlot: false,
  };
}

/** The answer to a run; small outputs lie in the slot, large ones where ONNX Runtime's binding put them. */
export function inferenceAnswer(
  model: LoadedModel,
  outputs: readonly Tensor[],
  form: ReplyForm,
  inferMs: number,
  inSlot: boolean,
): LineAnswer {
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
  return { status: 200, headers, chunks, byteLength, inSlot };
}

/** Writes it through node:http. */
export function writeAnswer(res: ServerResponse, answer: LineAnswer): void {
  const { status, headers, chunks, inSlot } = answer;
  res.writeHead(status, headers as string[]);
  if (inSlot) return void res.end(joined(NO_BYTES, answer));
  res.cork();
  for (const chunk of chunks) res.write(chunk);
  res.end();
  res.uncork();
}

/** Head and chunks in one buffer of their own. */
export function joined(head: Buffer, { chunks, byteLength }: LineAnswer): Buffer {
  const bytes = Buffer.allocUnsafe(head.length + byteLength);
  let at = head.copy(bytes);
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
