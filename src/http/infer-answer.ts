import type { Route } from '../events.ts';
import type { CacheOutcome, InferenceResult, InferenceTiming, Lease } from '../inference.ts';
import type { EncodedReply, InferReply } from '../protocol/encode-infer.ts';
import type { InferRequest } from '../protocol/infer-request.ts';
import { preferredEncoding } from './accept-encoding.ts';
import type { Answering } from './answering.ts';
import { isLargeAnswer } from './codec-size.ts';
import { compress } from './compress.ts';
import type { Plane } from './plane.ts';
import type { Target } from './service.ts';

/** Below this, compressing costs more than it saves. */
const MIN_COMPRESSED_BYTES = 1024;

/** What the answer says besides the model's outputs. */
interface Told {
  readonly timing: InferenceTiming;
  /** Who answered, and how it came to. */
  readonly version: string;
  readonly route: Route;
  readonly outcome: CacheOutcome | undefined;
  readonly ageMs: number | undefined;
  /** Let go when the answer is written. */
  readonly lease: Lease | undefined;
}

/**
 * Writes the 200 answer: at once, or, where it is encoded in a thread or the client asked for compression, when the
 * returned promise resolves.
 */
export function answerInference(
  exchange: Answering,
  result: InferenceResult,
  request: InferRequest,
  target: Target,
  plane: Plane,
): Promise<void> | undefined {
  const { outputs, timing, lease } = result;
  const outcome = cacheOutcomeOf(result, target);
  const { model, version } = result.instead ?? target;
  const route = routeOf(result, target);
  const told: Told = { timing, version, route, lease, outcome, ageMs: result.cache?.ageMs };
  const reply: InferReply = { model, version, id: request.id, outputs };
  if (isLargeAnswer(outputs, request))
    return encodeAside(exchange, reply, request, target, plane).then(encoded =>
      answerEncoded(exchange, encoded, told),
    );
  const { encoder } = plane.codecs.of(target);
  // One row's result is one kept result; of several rows the outputs may have been put together just now.
  const isKept = outcome === 'hit' && request.rows === 1;
  const encoded = isKept ? encoder.encodeKept(reply, request) : encoder.encode(reply, request);
  return answerEncoded(exchange, encoded, told);
}

/** What is told of the cache; undefined where there is none to tell of. */
export function cacheOutcomeOf(
  { cache }: Pick<InferenceResult, 'cache'>,
  { caches }: Target,
): CacheOutcome | undefined {
  return cache?.outcome ?? (caches ? 'bypass' : undefined);
}

/** How who answered came to: in place of who was asked, where that one could not. */
export function routeOf(
  { instead, cache }: Pick<InferenceResult, 'instead' | 'cache'>,
  target: Target,
): Route {
  return instead !== undefined || cache?.standsIn === true ? 'fallback' : target.route;
}

/** With the labels of the classes that are asked for: there may be many of others. */
function encodeAside(
  exchange: Answering,
  reply: InferReply,
  { outputs, parameters }: InferRequest,
  target: Target,
  plane: Plane,
): Promise<EncodedReply> {
  const { encoding } = plane.codecs.of(target);
  const named = (outputs ?? []).filter(output => output.classification > 0).map(output => output.name);
  const classLabels = new Map(named.map(name => [name, encoding.classLabels.get(name) ?? []]));
  const task = plane.threads.encode({
    reply,
    request: { outputs, parameters },
    options: { ...encoding, classLabels },
  });
  exchange.whenGone(() => task.cancel(exchange.goneError()));
  return task.result;
}

function answerEncoded(
  exchange: Answering,
  { chunks, byteLength, contentType, headerLength }: EncodedReply,
  { timing, version, route, lease, outcome, ageMs }: Told,
): Promise<void> | undefined {
  const headers = ['content-type', contentType, 'headgate-version', version];
  headers.push('headgate-route', route, 'server-timing', serverTiming(timing, exchange.startedAt));
  if (outcome !== undefined) headers.push('headgate-cache', outcome);
  if (ageMs !== undefined) headers.push('age', String(Math.floor(ageMs / 1000)));
  if (headerLength !== undefined) headers.push('inference-header-content-length', String(headerLength));
  const accepts = exchange.request.headers['accept-encoding'];
  const encoding = byteLength > MIN_COMPRESSED_BYTES ? preferredEncoding(accepts) : undefined;
  if (encoding !== undefined) return answerCompressed(exchange, headers, chunks, encoding, lease);
  exchange.answer(200, headers, chunks, lease);
  return undefined;
}

async function answerCompressed(
  exchange: Answering,
  headers: string[],
  chunks: readonly Uint8Array[],
  encoding: 'gzip' | 'deflate',
  lease: Lease | undefined,
): Promise<void> {
  const compressed = await compress(chunks, encoding);
  headers.push('content-encoding', encoding);
  exchange.answer(200, headers, compressed, lease);
}

function serverTiming({ queueMs, batchRows, inferMs }: InferenceTiming, startedAt: number): string {
  const totalMs = performance.now() - startedAt;
  return (
    `queue;dur=${hundredths(queueMs)}, batch;desc="${batchRows}", ` +
    `infer;dur=${hundredths(inferMs)}, total;dur=${hundredths(totalMs)}`
  );
}

/** Three of them take 0.35 µs where `toFixed` takes 0.43. */
function hundredths(ms: number): number {
  return Math.round(ms * 100) / 100;
}
