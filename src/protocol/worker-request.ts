import { GatewayError } from '../errors.ts';
import type { Execution } from '../inference.ts';
import { JsonWriter } from './json-writer.ts';

export interface EncodedExecution {
  /** The JSON, padded so that the first tensor begins at a multiple of eight bytes. */
  readonly header: Uint8Array;
  /** The tensors' bytes in body order, each a view handed in. */
  readonly parts: readonly Uint8Array[];
  /** Of header and parts. */
  readonly byteLength: number;
}

/** Encodes one run as an inference request of binary tensors that asks for binary outputs. */
export function encodeExecution(
  execution: Execution,
  parameters?: Readonly<Record<string, string | number | boolean>>,
): EncodedExecution {
  const writer = new JsonWriter(512);
  const parts: Uint8Array[] = [];
  writer.raw('{"parameters":{"binary_data_output":true');
  if (parameters !== undefined) writeParameters(writer, parameters);
  writer.raw('},"inputs":[');
  let tensorBytes = 0;
  for (let i = 0; i < execution.inputs.length; i++) {
    if (i > 0) writer.raw(',');
    tensorBytes += writeInput(writer, execution.inputs[i] as Execution['inputs'][number], parts);
  }
  writer.raw(']');
  if (execution.outputs !== undefined) writeOutputs(writer, execution.outputs);
  writer.raw('}');
  const header = writer.finish(8);
  return { header, parts, byteLength: header.length + tensorBytes };
}

function writeInput(writer: JsonWriter, input: Execution['inputs'][number], parts: Uint8Array[]): number {
  let bytes = 0;
  for (let i = 0; i < input.parts.length; i++) {
    const part = input.parts[i] as Uint8Array;
    bytes += part.length;
    parts.push(part);
  }
  writer.raw('{"name":');
  writer.string(input.name);
  writer.raw(',"shape":');
  writer.integers(input.shape);
  writer.raw(',"datatype":"');
  writer.raw(input.datatype);
  writer.raw('","parameters":{"binary_data_size":');
  writer.integer(bytes);
  writer.raw('}}');
  return bytes;
}

function writeOutputs(writer: JsonWriter, names: readonly string[]): void {
  writer.raw(',"outputs":[');
  for (let i = 0; i < names.length; i++) {
    writer.raw(i > 0 ? ',{"name":' : '{"name":');
    writer.string(names[i] as string);
    writer.raw(',"parameters":{"binary_data":true}}');
  }
  writer.raw(']');
}

function writeParameters(
  writer: JsonWriter,
  parameters: Readonly<Record<string, string | number | boolean>>,
): void {
  for (const name of Object.keys(parameters)) {
    const value = parameters[name] as string | number | boolean;
    if (typeof value === 'number' && !Number.isFinite(value))
      throw new GatewayError('internal', `parameter '${name}' is ${value}`);
    writer.raw(',');
    writer.string(name);
    writer.raw(':');
    if (typeof value === 'string') writer.string(value);
    else writer.raw(String(value));
  }
}
