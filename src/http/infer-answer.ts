import type { InferenceResult, InferenceTiming } from '../inference.ts';
import { encodeInfer } from '../protocol/encode-infer.ts';
import type { InferRequest } from '../protocol/infer-request.ts';
import { preferredEncoding } from './accept-encoding.ts';
import { compress } from './compress.ts';
import type { Exchange } from './exchange.ts';
import type { DataPlaneOptions } from './options.ts';
import type { Target } from './service.ts';

/** Below this, compressing costs more than it saves. */
const MIN_COMPRESSED_BYTES = 1024;

/** Writes the 200 answer. Asynchronous only where the client asked for compression. */
export async function answerInference(
  exchange: Exchange,
  { outputs, timing }: InferenceResult,
  request: InferRequest,
  target: Target,
  nonFinite: DataPlaneOptions['nonFinite'],
): Promise<void> {
  const encoded = encodeInfer(
    { model: target.model, version: target.version, id: request.id, outputs },
    request,
    { nonFinite, classLabels: target.classLabels, batched: target.maxBatchSize > 0 },
  );
  const headers = ['content-type', encoded.contentType];
  if (encoded.headerLength !== undefined) {
    headers.push('inference-header-content-length', String(encoded.headerLength));
  }
  let { chunks } = encoded;
  if (encoded.byteLength > MIN_COMPRESSED_BYTES) {
    const encoding = preferredEncoding(exchange.request.headers['accept-encoding']);
    if (encoding !== undefined) {
      chunks = await compress(chunks, encoding);
      headers.push('content-encoding', encoding);
    }
  }
  headers.push('headgate-version', target.version, 'headgate-route', target.route);
  headers.push('server-timing', serverTiming(timing, performance.now() - exchange.startedAt));
  exchange.answer(200, headers, chunks);
}

function serverTiming({ queueMs, batchRows, inferMs }: InferenceTiming, totalMs: number): string {
  return (
    `queue;dur=${queueMs.toFixed(2)}, batch;desc="${batchRows}", ` +
    `infer;dur=${inferMs.toFixed(2)}, total;dur=${totalMs.toFixed(2)}`
  );
}
