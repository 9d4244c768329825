import { GatewayError } from '../errors.ts';
import type { TensorSpec } from '../tensor.ts';
import { jsonEnd, takeBinaryData, tensorOf } from './binary-data.ts';
import { brief } from './brief.ts';
import { decodeRaw } from './decode-raw.ts';
import type { DecodeTarget, InferRequest, RequestedOutput, RequestParameters } from './infer-request.ts';
import { JsonReader } from './json-reader.ts';
import { DEFAULT_DECODE_LIMITS, type DecodeLimits } from './limits.ts';
import { readOutputs } from './read-outputs.ts';
import { DEFAULT_PARAMETERS, readRequestParameters } from './read-parameters.ts';
import { readTensor, type TensorDraft } from './read-tensor.ts';

/**
 * Decodes an inflated inference request and checks it against the model. `headerLength` is what
 * `Inference-Header-Content-Length` says: undefined: all JSON; 0: the body is one raw tensor; else JSON of that many
 * bytes, then binary tensors, which become views of `body`. Throws `invalid`, naming the field.
 */
export function decodeInfer(
  body: Uint8Array,
  headerLength: number | undefined,
  target: DecodeTarget,
  limits: DecodeLimits = DEFAULT_DECODE_LIMITS,
): InferRequest {
  const end = jsonEnd(body, headerLength, 'invalid');
  if (headerLength === 0) return decodeRaw(body, target, limits);
  const reader = new JsonReader(
    end === body.length ? body : body.subarray(0, end),
    limits.maxDepth,
    'invalid',
  );
  const request = readRequest(reader, target, limits);
  const drafts = request.inputs ?? reader.fail('inputs', 'required');
  takeBinaryData(body, end, drafts, 'inputs', target.name, 'invalid');
  const { id, parameters, outputs } = request;
  checkReadable(target.signature.outputs, outputs, parameters);
  const inSignatureOrder = orderInputs(drafts, target.signature.inputs);
  return {
    id: id ?? '',
    parameters,
    inputs: inSignatureOrder.map(tensorOf),
    rows: target.maxBatchSize > 0 ? countRows(drafts) : 1,
    outputs,
  };
}

interface RequestMembers {
  id: string | undefined;
  parameters: RequestParameters;
  inputs: readonly TensorDraft[] | undefined;
  outputs: readonly RequestedOutput[] | undefined;
}

function readRequest(reader: JsonReader, target: DecodeTarget, limits: DecodeLimits): RequestMembers {
  const request: RequestMembers = {
    id: undefined,
    parameters: DEFAULT_PARAMETERS,
    inputs: undefined,
    outputs: undefined,
  };
  let hasParameters = false;
  let hasOutputs = false;
  reader.enterObject('body');
  for (let member = reader.nextMember(); member !== undefined; member = reader.nextMember()) {
    if (member === 'inputs') {
      if (request.inputs !== undefined) reader.fail(member, 'given twice');
      request.inputs = readInputs(reader, target.signature.inputs, limits);
    } else if (member === 'outputs') {
      if (hasOutputs) reader.fail(member, 'given twice');
      hasOutputs = true;
      request.outputs = readOutputs(reader, target.signature.outputs);
    } else if (member === 'parameters') {
      if (hasParameters) reader.fail(member, 'given twice');
      hasParameters = true;
      request.parameters = readRequestParameters(reader);
    } else if (member === 'id') {
      if (request.id !== undefined) reader.fail(member, 'given twice');
      if (!reader.isStringNext()) reader.fail(member, `expected a string, got ${reader.describe()}`);
      request.id = reader.string();
    } else reader.skip();
  }
  reader.end();
  return request;
}

function readInputs(
  reader: JsonReader,
  specs: readonly TensorSpec[],
  limits: DecodeLimits,
): readonly TensorDraft[] {
  const drafts: TensorDraft[] = [];
  reader.enterArray('inputs');
  reader.list = 'inputs';
  while (reader.nextElement()) {
    reader.index = drafts.length;
    if (drafts.length === limits.maxInputs) reader.fail('', `expected at most ${limits.maxInputs} inputs`);
    const draft = readTensor(reader, specs, limits);
    if (drafts.some(other => other.place === draft.place))
      reader.fail('name', `'${brief(draft.name)}' is given twice`);
    drafts.push(draft);
  }
  reader.list = '';
  return drafts;
}

function orderInputs(drafts: readonly TensorDraft[], specs: readonly TensorSpec[]): readonly TensorDraft[] {
  if (drafts.length < specs.length) {
    const missing = specs.find((_, place) => !drafts.some(draft => draft.place === place));
    throw new GatewayError('invalid', `inputs: '${missing?.name}' is missing`);
  }
  return drafts.every((draft, i) => draft.place === i)
    ? drafts
    : drafts.toSorted((a, b) => a.place - b.place);
}

/** All inputs carry the same rows, at least one. */
function countRows(drafts: readonly TensorDraft[]): number {
  const rows = drafts[0]?.shape[0] ?? 1;
  for (let i = 0; i < drafts.length; i++) {
    const size = drafts[i]?.shape[0];
    if (size === 0)
      throw new GatewayError('invalid', `inputs[${i}].shape[0]: expected at least 1 row, got 0`);
    if (size !== rows)
      throw new GatewayError(
        'invalid',
        `inputs[${i}].shape[0]: expected ${rows} rows as in inputs[0], got ${size}`,
      );
  }
  return rows;
}

/** Refuses what could only fail after the model has run: FP16 asked for as JSON, classes of what has no order. */
function checkReadable(
  specs: readonly TensorSpec[],
  outputs: readonly RequestedOutput[] | undefined,
  parameters: RequestParameters,
): void {
  for (let i = 0; i < specs.length; i++) {
    const { name, datatype } = specs[i] as TensorSpec;
    if (datatype !== 'FP16' && datatype !== 'BYTES' && datatype !== 'BOOL') continue;
    const at = outputs === undefined ? -1 : outputs.findIndex(output => output.name === name);
    if (outputs !== undefined && at < 0) continue;
    const asked = outputs?.[at];
    const classes = (asked?.classification ?? 0) > 0;
    if (classes && datatype !== 'FP16')
      throw new GatewayError(
        'invalid',
        `outputs[${at}].parameters.classification: '${name}' is ${datatype}, which has no order`,
      );
    if (datatype === 'FP16' && !classes && !(asked?.binary ?? parameters.binaryDataOutput))
      throw new GatewayError(
        'invalid',
        `output '${name}' is FP16, which JSON cannot carry: ask for it with binary_data or binary_data_output`,
      );
  }
}
