/** A codec thread: decodes and encodes what would hold the event loop for too long, one job at a time. */
import { isMarkedAsUntransferable, parentPort } from 'node:worker_threads';
import { GatewayError } from '../errors.ts';
import { decodeInfer } from '../protocol/decode-infer.ts';
import { encodeInfer } from '../protocol/encode-infer.ts';
import type { Tensor } from '../tensor.ts';
import { type CodecAnswer, type CodecJob, memoryOf } from './codec-messages.ts';
import { releaseMemory } from './release-memory.ts';

if (parentPort === null) throw new Error('this is a bug: a codec thread was started as a process');
const port = parentPort;

port.on('message', (job: CodecJob) => {
  const answer = answerTo(job);
  port.postMessage(answer, memoryOf(viewsIn(answer)));
  if (job.kind === 'decode') releaseMemory(job.body);
});

function answerTo(job: CodecJob): CodecAnswer {
  try {
    return job.kind === 'decode' ? decode(job) : encode(job);
  } catch (thrown) {
    const { code, message, cause } = GatewayError.from(thrown);
    const error = { kind: 'refused', code, message } as const;
    return cause instanceof Error ? { ...error, cause: String(cause.stack) } : error;
  }
}

function decode({ body, headerLength, target, limits }: CodecJob & { kind: 'decode' }): CodecAnswer {
  const request = decodeInfer(body, headerLength, target, limits);
  return { kind: 'decoded', request: { ...request, inputs: request.inputs.map(ownTensor) } };
}

function encode({ reply, request, options }: CodecJob & { kind: 'encode' }): CodecAnswer {
  const encoded = encodeInfer(reply, request, options);
  return { kind: 'encoded', reply: { ...encoded, chunks: encoded.chunks.map(own) } };
}

function viewsIn(answer: CodecAnswer): readonly Uint8Array[] {
  if (answer.kind === 'decoded') return answer.request.inputs.map(input => input.data);
  return answer.kind === 'encoded' ? answer.reply.chunks : [];
}

const ownTensor = (tensor: Tensor): Tensor => ({ ...tensor, data: own(tensor.data) });

/** Small buffers share a pool, which must stay. */
function own(view: Uint8Array): Uint8Array {
  return isMarkedAsUntransferable(view.buffer) ? new Uint8Array(view) : view;
}
