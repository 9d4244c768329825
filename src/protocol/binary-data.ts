import { type ErrorCode, GatewayError } from '../errors.ts';
import { type Datatype, ELEMENT_BYTES, type Tensor } from '../tensor.ts';
import { brief } from './brief.ts';
import { countFramed, firstUnfitText } from './bytes-framing.ts';
import type { TensorDraft } from './read-tensor.ts';

/** Where the JSON of a body ends: the header's length, or the whole body where none was sent. Else an error. */
export function jsonEnd(body: Uint8Array, headerLength: number | undefined, code: ErrorCode): number {
  if (headerLength === undefined) return body.length;
  if (Number.isInteger(headerLength) && headerLength >= 0 && headerLength <= body.length) return headerLength;
  throw new GatewayError(
    code,
    `Inference-Header-Content-Length: expected an integer from 0 to ${body.length}, the body's length, got ${headerLength}`,
  );
}

/**
 * Hands each draft without data its bytes behind the JSON, as a view of the body, in the order of the JSON; checks
 * their size. Refuses a body that is shorter or longer than the drafts say. `list` names the drafts in errors.
 */
export function takeBinaryData(
  body: Uint8Array,
  from: number,
  drafts: readonly TensorDraft[],
  list: string,
  owner: string,
  code: ErrorCode,
): void {
  let at = from;
  for (let i = 0; i < drafts.length; i++) {
    const draft = drafts[i] as TensorDraft;
    if (draft.data !== undefined) continue;
    const missing = at + draft.binaryBytes - body.length;
    if (missing > 0)
      throw new GatewayError(
        code,
        `unexpected size for ${list.slice(0, -1)} '${brief(draft.name)}', expecting ${missing} additional bytes for model '${owner}'`,
      );
    draft.data = body.subarray(at, at + draft.binaryBytes);
    checkBytes(draft.datatype, draft.count, draft.data, `${list}[${i}]`, code);
    at += draft.binaryBytes;
  }
  if (at < body.length)
    throw new GatewayError(code, `unexpected additional ${list.slice(0, -1)} data for model '${owner}'`);
}

/** Refuses bytes that are not `count` elements of the datatype. */
export function checkBytes(
  datatype: Datatype,
  count: number,
  data: Uint8Array,
  field: string,
  code: ErrorCode,
): void {
  const size = ELEMENT_BYTES[datatype];
  if (size > 0) {
    if (data.length !== count * size)
      throw new GatewayError(
        code,
        `${field}: expected ${count * size} bytes for ${count} ${datatype} elements, got ${data.length}`,
      );
    if (datatype === 'BOOL') checkBooleans(data, field, code);
    return;
  }
  checkElements(count, data, field, code);
}

function checkElements(count: number, data: Uint8Array, field: string, code: ErrorCode): void {
  const framed = countFramed(data);
  if (framed < 0) throw new GatewayError(code, `${field}: the last BYTES element is longer than the data`);
  if (framed !== count)
    throw new GatewayError(code, `${field}: expected ${count} BYTES elements, got ${framed}`);
  const unfit = firstUnfitText(data);
  if (unfit >= 0) throw new GatewayError(code, `${field}: element ${unfit}: expected UTF-8 text without NUL`);
}

/** ONNX Runtime reads the bytes as C++ bools, for which any other value is undefined behaviour. */
function checkBooleans(data: Uint8Array, field: string, code: ErrorCode): void {
  for (let i = 0; i < data.length; i++) {
    if ((data[i] as number) > 1)
      throw new GatewayError(code, `${field}: expected BOOL bytes of 0 or 1, got ${data[i]}`);
  }
}

export function tensorOf(draft: TensorDraft): Tensor {
  const { name, datatype, shape, data } = draft;
  return { name, datatype, shape, data: data ?? new Uint8Array(0) };
}
