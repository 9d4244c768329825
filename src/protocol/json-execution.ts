import type { Execution, StackedTensor } from '../inference.ts';
import { JsonWriter } from './json-writer.ts';
import { writeTensorData } from './write-tensor-data.ts';

/**
 * Encodes one run as an inference request that is all JSON, for servers without binary tensors. Throws `model-failed`
 * for what JSON cannot carry: FP16, NaN and infinities, BYTES that are not UTF-8.
 */
export function encodeJsonExecution({ inputs, outputs }: Execution): Uint8Array {
  const writer = new JsonWriter(4096);
  writer.raw('{"inputs":[');
  inputs.forEach((input, i) => {
    if (i > 0) writer.raw(',');
    writeInput(writer, input);
  });
  writer.raw(']');
  if (outputs !== undefined) {
    writer.raw(',"outputs":[');
    outputs.forEach((name, i) => {
      writer.raw(i > 0 ? ',{"name":' : '{"name":');
      writer.string(name);
      writer.raw('}');
    });
    writer.raw(']');
  }
  writer.raw('}');
  return writer.finish(1);
}

function writeInput(writer: JsonWriter, { name, datatype, shape, parts }: StackedTensor): void {
  writer.raw('{"name":');
  writer.string(name);
  writer.raw(',"shape":');
  writer.integers(shape);
  writer.raw(`,"datatype":"${datatype}","data":`);
  const data = parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts);
  writeTensorData(writer, { name, datatype, shape, data }, 'error');
  writer.raw('}');
}
