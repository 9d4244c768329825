/** Which JSON is too large for the event loop, as pure functions of sizes. */
import type { InferRequest } from '../protocol/infer-request.ts';
import { ELEMENT_BYTES, type Tensor } from '../tensor.ts';

/** 0.2 to 0.5 ms of decoding; handing it to a thread costs 0.06 ms. */
const LARGE_JSON_BYTES = 128 * 1024;
/** 0.6 to 2 ms of encoding. */
const LARGE_ANSWER_NUMBERS = 10_000;
/** A text's share of a number's time, by bytes. */
const TEXT_BYTES = 8;

/** Whether the JSON of a body is decoded in a thread. `headerLength` as the request's head gives it. */
export function isLargeJson(bodyLength: number, headerLength: number | undefined): boolean {
  return Math.min(headerLength ?? bodyLength, bodyLength) > LARGE_JSON_BYTES;
}

/** Whether an answer is encoded in a thread: what it says as JSON or as classes is much. */
export function isLargeAnswer(
  outputs: readonly Tensor[],
  { outputs: asked, parameters }: Pick<InferRequest, 'outputs' | 'parameters'>,
): boolean {
  let numbers = 0;
  for (let i = 0; i < outputs.length; i++) {
    const { name, datatype, data } = outputs[i] as Tensor;
    const request = asked?.find(output => output.name === name);
    const binary = request?.binary ?? parameters.binaryDataOutput;
    if (binary && (request?.classification ?? 0) === 0) continue;
    numbers += data.length / (ELEMENT_BYTES[datatype] || TEXT_BYTES);
  }
  return numbers > LARGE_ANSWER_NUMBERS;
}
