import { GatewayError } from '../errors.ts';
import type { Tensor } from '../tensor.ts';
import { classify } from './classification.ts';
import type { InferRequest, RequestedOutput } from './infer-request.ts';
import { JsonWriter } from './json-writer.ts';
import { type NonFinitePolicy, writeTensorData } from './write-tensor-data.ts';

export interface InferReply {
  readonly model: string;
  /** '' leaves `model_version` out. */
  readonly version: string;
  /** '' leaves `id` out. */
  readonly id: string;
  readonly outputs: readonly Tensor[];
}

export interface EncodeOptions {
  readonly nonFinite: NonFinitePolicy;
  /** Output name → class labels by index. */
  readonly classLabels: ReadonlyMap<string, readonly string[]>;
  /** Whether the first axis holds rows, for classification; absent: where an output has two axes or more. */
  readonly batched?: boolean;
}

export interface EncodedReply {
  /** The value of `Inference-Header-Content-Length`; undefined: all JSON, no such header. */
  readonly headerLength: number | undefined;
  readonly contentType: 'application/json' | 'application/octet-stream';
  /** The JSON first, then binary outputs, views of `reply.outputs`. */
  readonly chunks: readonly Uint8Array[];
  /** Of all chunks. */
  readonly byteLength: number;
}

const NO_BYTES = new Uint8Array(0);

/** Where the first binary tensor begins, so that a client can view it in place. */
const ALIGNMENT = 8;

/**
 * Encodes a reply as its request asked: the listed outputs in the caller's order, each as JSON, binary or classes;
 * all of them by `binaryDataOutput` where none were listed. Throws `model-failed` where a value cannot be written as
 * JSON under `nonFinite`, and `internal` where an output asked for is not there.
 */
export function encodeInfer(
  reply: InferReply,
  request: Pick<InferRequest, 'outputs' | 'parameters'>,
  options: EncodeOptions,
): EncodedReply {
  const writer = new JsonWriter(512);
  const chunks: Uint8Array[] = [NO_BYTES];
  writeStart(writer, reply);
  const count = (request.outputs ?? reply.outputs).length;
  for (let i = 0; i < count; i++) {
    const asked = request.outputs?.[i];
    const output = answer(reply.outputs, asked, i, options);
    const binary = asked?.binary ?? request.parameters.binaryDataOutput;
    if (i > 0) writer.raw(',');
    writeOutput(writer, output, binary, options.nonFinite);
    if (binary) chunks.push(output.data);
  }
  writer.raw(']}');
  return finish(writer, chunks);
}

/** Opens the object and its list of outputs. */
function writeStart(writer: JsonWriter, { id, model, version }: InferReply): void {
  writer.raw('{');
  if (id !== '') {
    writer.raw('"id":');
    writer.string(id);
    writer.raw(',');
  }
  writer.raw('"model_name":');
  writer.string(model);
  if (version !== '') {
    writer.raw(',"model_version":');
    writer.string(version);
  }
  writer.raw(',"outputs":[');
}

function writeOutput(writer: JsonWriter, output: Tensor, binary: boolean, nonFinite: NonFinitePolicy): void {
  writer.raw('{"name":');
  writer.string(output.name);
  writer.raw(',"datatype":"');
  writer.raw(output.datatype);
  writer.raw('","shape":');
  writer.integers(output.shape);
  if (binary) {
    writer.raw(',"parameters":{"binary_data_size":');
    writer.integer(output.data.length);
    writer.raw('}}');
    return;
  }
  writer.raw(',"data":');
  writeTensorData(writer, output, nonFinite);
  writer.raw('}');
}

/** The tensor to answer with at place `i`. */
function answer(
  outputs: readonly Tensor[],
  asked: RequestedOutput | undefined,
  i: number,
  options: EncodeOptions,
): Tensor {
  const inPlace = outputs[i] as Tensor;
  if (asked === undefined) return inPlace;
  const output = inPlace?.name === asked.name ? inPlace : outputs.find(other => other.name === asked.name);
  if (output === undefined)
    throw new GatewayError('internal', `the model did not answer with output '${asked.name}'`);
  if (asked.classification === 0) return output;
  const batched = options.batched ?? output.shape.length > 1;
  return classify(output, asked.classification, options.classLabels.get(output.name), batched);
}

/** Like Triton, announces binary data only where bytes follow. */
function finish(writer: JsonWriter, chunks: Uint8Array[]): EncodedReply {
  let binaryBytes = 0;
  for (let i = 1; i < chunks.length; i++) binaryBytes += (chunks[i] as Uint8Array).length;
  const json = writer.finish(binaryBytes > 0 ? ALIGNMENT : 1);
  chunks[0] = json;
  const byteLength = json.length + binaryBytes;
  if (binaryBytes === 0)
    return { headerLength: undefined, contentType: 'application/json', chunks: [json], byteLength };
  return { headerLength: json.length, contentType: 'application/octet-stream', chunks, byteLength };
}
