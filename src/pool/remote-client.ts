/** Open Inference Protocol to a server elsewhere, over http or https. Every exchange ends at its signal. */
import { type Dispatcher, Pool } from 'undici';
import { GatewayError } from '../errors.ts';
import type { Execution, ExecutionResult, ModelSignature } from '../inference.ts';
import { encodeJsonExecution } from '../protocol/json-execution.ts';
import { parseModelMetadata } from '../protocol/model-metadata.ts';
import { decodeReply } from '../protocol/worker-reply.ts';
import { encodeExecution } from '../protocol/worker-request.ts';
import { engineMs } from './infer-call.ts';
import { brokenExchange, refusedReply, whyBroken } from './remote-failure.ts';
import { type RemoteSpec, shownUrl } from './remote-spec.ts';
import { tlsOf } from './remote-tls.ts';

const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;
const MAX_REPLY_BYTES = 2 ** 30;
const CONNECT_TIMEOUT_MS = 5000;

interface Reply {
  readonly status: number;
  readonly headers: Dispatcher.ResponseData['headers'];
  readonly bytes: Uint8Array;
}

interface Message {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export class RemoteClient {
  /** False: tensors are sent, and come back, as JSON. */
  binary = true;
  readonly #pool: Pool;
  /** So that a look at it does not wait for a batch. */
  readonly #documents: Pool;
  readonly #path: string;
  readonly #headers: Readonly<Record<string, string>>;
  /** As configured. */
  readonly #isBinary: boolean | undefined;
  /** Undefined where there is no TLS. */
  readonly #showsCertificate: boolean | undefined;

  /** Rejects with `invalid` where a file of it cannot be read. */
  static async open(spec: RemoteSpec, model: string): Promise<RemoteClient> {
    return new RemoteClient(spec, model, await tlsOf(spec.tls));
  }

  private constructor(spec: RemoteSpec, model: string, tls: Record<string, unknown>) {
    const options = {
      pipelining: 1,
      allowH2: false,
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: { timeout: CONNECT_TIMEOUT_MS, ...tls },
    };
    const origin = shownUrl(spec.url);
    // undici uses a connection again one turn after its reply.
    this.#pool = new Pool(origin, { ...options, connections: 2 * spec.concurrency });
    this.#documents = new Pool(origin, { ...options, connections: 1 });
    const version = spec.version === undefined ? '' : `/versions/${encodeURIComponent(spec.version)}`;
    this.#path = `/v2/models/${encodeURIComponent(spec.model ?? model)}${version}`;
    this.#headers = authorization(spec);
    this.#isBinary = spec.binary;
    this.#showsCertificate = origin.startsWith('https:') ? spec.tls?.cert !== undefined : undefined;
  }

  /** Rejects with a GatewayError. */
  async infer(
    execution: Execution,
    signal: AbortSignal,
    asBinary: boolean = this.binary,
  ): Promise<ExecutionResult> {
    const { headers, body } = asBinary ? binaryMessage(execution) : jsonMessage(execution);
    const reply = await this.#send(this.#pool, 'POST', `${this.#path}/infer`, signal, { headers, body });
    if (reply.status !== 200) throw refusedReply(reply.status, reply.bytes, reply.headers['retry-after']);
    const headerLength = reply.headers['inference-header-content-length'];
    const outputs = decodeReply(reply.bytes, headerLength === undefined ? undefined : Number(headerLength));
    return { outputs, inferMs: engineMs(reply.headers['server-timing']) };
  }

  async metadata(signal: AbortSignal): Promise<ModelSignature> {
    return parseModelMetadata(await this.#document(this.#path, signal));
  }

  /** Whether it says, or the configuration does, that it speaks binary tensors. */
  async saysBinary(signal: AbortSignal): Promise<boolean> {
    if (this.#isBinary !== undefined) return this.#isBinary;
    const document = (await this.#document('/v2', signal)) as { extensions?: unknown } | null;
    const { extensions } = document ?? {};
    return Array.isArray(extensions) && extensions.includes('binary_tensor_data');
  }

  /** Rejects when it does not say that it is ready for this model. */
  async ready(signal: AbortSignal): Promise<void> {
    const own = await this.#send(this.#documents, 'GET', `${this.#path}/ready`, signal);
    if (own.status === 200) return;
    if (own.status !== 404 && own.status !== 405) throw notReady(own.status);
    const { status } = await this.#send(this.#documents, 'GET', '/v2/health/ready', signal);
    if (status !== 200) throw notReady(status);
  }

  /** Why an exchange with it failed, in words for operators. */
  why(error: unknown): string {
    return whyBroken(error, this.#showsCertificate);
  }

  /** Ends everything in flight with this error, now. */
  destroy(error: GatewayError): void {
    void this.#pool.destroy(error).catch(() => undefined);
    void this.#documents.destroy(error).catch(() => undefined);
  }

  async #document(path: string, signal: AbortSignal): Promise<unknown> {
    const { status, bytes } = await this.#send(this.#documents, 'GET', path, signal);
    if (status !== 200) throw new GatewayError('unavailable', `it answers ${status} when asked for ${path}`);
    return JSON.parse(new TextDecoder().decode(bytes));
  }

  async #send(
    pool: Pool,
    method: 'GET' | 'POST',
    path: string,
    signal: AbortSignal,
    message?: Message,
  ): Promise<Reply> {
    try {
      const headers = { ...this.#headers, ...message?.headers };
      const reply = await pool.request({ method, path, headers, body: message?.body ?? null, signal });
      const limit = pool === this.#pool ? MAX_REPLY_BYTES : MAX_DOCUMENT_BYTES;
      return {
        status: reply.statusCode,
        headers: reply.headers,
        bytes: await readBounded(reply.body, limit),
      };
    } catch (error) {
      throw brokenExchange(error);
    }
  }
}

function binaryMessage(execution: Execution): Message {
  const { header, parts, byteLength } = encodeExecution(execution);
  const headers = {
    'content-type': 'application/octet-stream',
    'inference-header-content-length': String(header.byteLength),
  };
  return { headers, body: Buffer.concat([header, ...parts], byteLength) };
}

function jsonMessage(execution: Execution): Message {
  return { headers: { 'content-type': 'application/json' }, body: encodeJsonExecution(execution) };
}

async function readBounded(body: AsyncIterable<Uint8Array>, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.byteLength;
    if (length > limit) throw new GatewayError('model-failed', `the answer is longer than ${limit} bytes`);
    chunks.push(chunk);
  }
  return chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks, length);
}

function authorization({ url, tokenEnv }: RemoteSpec): Record<string, string> {
  const token = tokenEnv === undefined ? undefined : process.env[tokenEnv];
  if (token !== undefined && token !== '') return { authorization: `Bearer ${token}` };
  const { username, password } = new URL(url);
  if (username === '') return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

function notReady(status: number): GatewayError {
  return new GatewayError('unavailable', `it answers ${status} when asked whether it is ready`);
}
