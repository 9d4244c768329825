/** Open Inference Protocol to one worker over its Unix socket. Deadlines are the caller's: inference has no timeout here. */
import { Pool } from 'undici';
import { GatewayError } from '../errors.ts';
import type { Execution, ExecutionResult, ModelSignature } from '../inference.ts';
import { encodeLoadRequest, type LoadOrder } from '../protocol/load-order.ts';
import { parseModelMetadata } from '../protocol/model-metadata.ts';
import { InferCall } from './infer-call.ts';
import { ReplyBuffers } from './reply-buffers.ts';
import { replyConnector } from './reply-socket.ts';
import { type RequestParameters, requestBody } from './request-body.ts';
import { SendBuffers } from './send-buffers.ts';
import { errorMessage, failedReply, workerGone } from './worker-failure.ts';

/** Metadata and status documents, and the error text of any reply to them. */
const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;

/** Of all workers together: the bytes kept are bounded once. */
const REPLIES = new ReplyBuffers();

export class WorkerClient {
  readonly #pool: Pool;
  /** Connections of their own: a worker reads those faster that carry nothing but inference. */
  readonly #documents: Pool;
  readonly #buffers: SendBuffers;

  /**
   * `connections` bounds the sockets. undici uses a connection again one event-loop turn after its reply, so a worker
   * kept busy by n runs needs 2n.
   */
  constructor(socketPath: string, connections: number) {
    this.#buffers = new SendBuffers(connections);
    const options = {
      socketPath,
      connections,
      pipelining: 1,
      allowH2: false,
      headersTimeout: 0,
      bodyTimeout: 0,
      connectTimeout: 5000,
    };
    this.#pool = new Pool('http://worker', { ...options, connect: replyConnector(socketPath) });
    this.#documents = new Pool('http://worker', options);
  }

  /** `path` as `versionPath` gives it. Rejects with a GatewayError. */
  infer(path: string, execution: Execution, parameters?: RequestParameters): Promise<ExecutionResult> {
    const { headers, body, buffer } = requestBody(execution, this.#buffers, parameters);
    const call = new InferCall(this.#buffers, buffer, REPLIES);
    this.#pool.dispatch({ method: 'POST', path: `${path}/infer`, headers, body }, call);
    return call.result;
  }

  /** Rejects with `model-failed` in the worker's words, or `unavailable` when the worker is gone. */
  async load(model: string, order: LoadOrder, signal?: AbortSignal): Promise<void> {
    const path = `${modelPath('/v2/repository/models', model)}/load`;
    const { status, bytes } = await this.#exchange('POST', path, encodeLoadRequest(order), signal);
    if (status !== 200) throw new GatewayError('model-failed', errorMessage(bytes));
  }

  async unload(model: string, version: string, signal?: AbortSignal): Promise<void> {
    const body = JSON.stringify({ parameters: { version } });
    await this.#document('POST', `${modelPath('/v2/repository/models', model)}/unload`, body, signal);
  }

  async metadata(path: string): Promise<ModelSignature> {
    return parseModelMetadata(await this.#document('GET', path));
  }

  /** Bytes of memory the worker process holds. */
  async rssBytes(signal?: AbortSignal): Promise<number> {
    const document = await this.#document('GET', '/v2/worker', undefined, signal);
    const { rssBytes } = document as { rssBytes?: unknown };
    return typeof rssBytes === 'number' ? rssBytes : 0;
  }

  /** True when the worker answers a status request in this time. */
  async answersWithin(ms: number): Promise<boolean> {
    return this.#document('GET', '/v2/worker', undefined, AbortSignal.timeout(ms)).then(
      () => true,
      () => false,
    );
  }

  /** Ends everything in flight with this error, now. */
  destroy(error: GatewayError): void {
    void this.#pool.destroy(error).catch(() => undefined);
    void this.#documents.destroy(error).catch(() => undefined);
  }

  async #document(
    method: 'GET' | 'POST',
    path: string,
    body?: string,
    signal?: AbortSignal,
  ): Promise<unknown> {
    const { status, bytes } = await this.#exchange(method, path, body, signal);
    if (status !== 200) throw failedReply(status, bytes);
    return bytes.byteLength === 0 ? {} : JSON.parse(new TextDecoder().decode(bytes));
  }

  async #exchange(
    method: 'GET' | 'POST',
    path: string,
    body?: string,
    signal?: AbortSignal,
  ): Promise<{ status: number; bytes: Uint8Array }> {
    try {
      const headers = { 'content-type': 'application/json' };
      const request = { method, path, body: body ?? null, headers, signal: signal ?? null };
      const reply = await this.#documents.request(request);
      return { status: reply.statusCode, bytes: await readBounded(reply.body) };
    } catch (error) {
      throw workerGone(error);
    }
  }
}

/** The path of one version's metadata; its inference is below it. */
export function versionPath(model: string, version: string): string {
  return `${modelPath('/v2/models', model)}/versions/${encodeURIComponent(version)}`;
}

function modelPath(prefix: string, model: string): string {
  return `${prefix}/${encodeURIComponent(model)}`;
}

async function readBounded(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.byteLength;
    if (length > MAX_DOCUMENT_BYTES) throw new Error('a document of the worker is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
