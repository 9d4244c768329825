import type { Tensor } from '../tensor.ts';
import { jsonEnd, takeBinaryData, tensorOf } from './binary-data.ts';
import { JsonReader } from './json-reader.ts';
import type { DecodeLimits } from './limits.ts';
import { readTensor, type TensorDraft } from './read-tensor.ts';

/** A batch's reply may be larger than any request; its bytes are bounded where they are received. */
const REPLY_LIMITS: DecodeLimits = { maxInputs: 4096, maxRank: 32, maxElements: 2 ** 32, maxDepth: 100 };

/**
 * Decodes a worker's inflated inference reply, binary or JSON; binary outputs become views of `body`. `headerLength`
 * is what `Inference-Header-Content-Length` says, undefined where it was not sent. Throws `internal`: a reply that
 * cannot be read is the worker's fault and its text stays inside.
 */
export function decodeReply(body: Uint8Array, headerLength: number | undefined): readonly Tensor[] {
  const end = jsonEnd(body, headerLength, 'internal');
  const reader = new JsonReader(
    end === body.length ? body : body.subarray(0, end),
    REPLY_LIMITS.maxDepth,
    'internal',
  );
  let drafts: TensorDraft[] | undefined;
  reader.enterObject('body');
  for (let member = reader.nextMember(); member !== undefined; member = reader.nextMember()) {
    if (member !== 'outputs') reader.skip();
    else if (drafts !== undefined) reader.fail(member, 'given twice');
    else drafts = readOutputs(reader);
  }
  reader.end();
  const outputs = drafts ?? reader.fail('outputs', 'required');
  takeBinaryData(body, end, outputs, 'outputs', 'worker', 'internal');
  return outputs.map(tensorOf);
}

function readOutputs(reader: JsonReader): TensorDraft[] {
  const drafts: TensorDraft[] = [];
  reader.enterArray('outputs');
  reader.list = 'outputs';
  while (reader.nextElement()) {
    reader.index = drafts.length;
    if (drafts.length === REPLY_LIMITS.maxInputs)
      reader.fail('', `expected at most ${drafts.length} outputs`);
    const draft = readTensor(reader, undefined, REPLY_LIMITS);
    if (drafts.some(other => other.name === draft.name)) reader.fail('name', 'given twice');
    drafts.push(draft);
  }
  reader.list = '';
  return drafts;
}
