/** A real worker process with a folder of its own, asked over its socket; all of it gone after the test. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { StackedTensor } from '../../src/inference.ts';
import { encodeLoadRequest, type LoadOrder } from '../../src/protocol/load-order.ts';
import { decodeReply } from '../../src/protocol/worker-reply.ts';
import { encodeExecution } from '../../src/protocol/worker-request.ts';
import type { Tensor } from '../../src/tensor.ts';

const MAIN = fileURLToPath(new URL('../../src/worker/main.ts', import.meta.url));

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Inference {
  readonly model?: string;
  readonly version?: string;
  readonly outputs?: readonly string[];
  readonly parameters?: Readonly<Record<string, string | number | boolean>>;
}

export class RunningWorker {
  readonly folder: string;
  readonly socket: string;
  readonly child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #agent = new http.Agent({ keepAlive: true });

  constructor(args: readonly string[] = []) {
    this.folder = mkdtempSync(path.join(tmpdir(), 'headgate-worker-test-'));
    this.socket = path.join(this.folder, 'worker.sock');
    const command = [MAIN, '--socket', this.socket, ...args];
    this.child = spawn(process.execPath, command, { stdio: ['pipe', 'pipe', 'inherit'] });
  }

  /** The line it prints when it listens. */
  async ready(): Promise<unknown> {
    const [line] = (await once(this.child.stdout, 'data')) as [Buffer];
    return JSON.parse(line.toString());
  }

  async close(): Promise<void> {
    this.#agent.destroy();
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const exited = once(this.child, 'exit');
      this.child.kill('SIGKILL');
      await exited;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  request(
    method: string,
    url: string,
    body?: Uint8Array | string,
    headers: http.OutgoingHttpHeaders = {},
  ): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
    const options = {
      socketPath: this.socket,
      agent: this.#agent,
      method,
      path: url,
      headers: { ...length, ...headers },
    };
    const request = http.request(options, async res => {
      const chunks: Buffer[] = [];
      for await (const chunk of res) chunks.push(chunk as Buffer);
      resolve({ status: res.statusCode ?? 0, headers: res.headers, body: Buffer.concat(chunks) });
    });
    request.on('error', reject);
    request.end(body);
    return promise;
  }

  async json(method: string, url: string, body?: unknown): Promise<{ status: number; body: unknown }> {
    const { status, body: bytes } = await this.request(
      method,
      url,
      body === undefined ? undefined : JSON.stringify(body),
    );
    return { status, body: bytes.length === 0 ? undefined : JSON.parse(bytes.toString()) };
  }

  /** Writes the model beside the socket and orders it loaded. */
  load(model: Uint8Array, over: Partial<LoadOrder> = {}, name = 'm'): Promise<Answer> {
    const file = path.join(this.folder, `${name}-${over.version ?? '1.g1'}.onnx`);
    writeFileSync(file, model);
    return this.order(orderFor(file, model, over), name);
  }

  order(order: LoadOrder, name = 'm'): Promise<Answer> {
    return this.request(
      'POST',
      `/v2/repository/models/${encodeURIComponent(name)}/load`,
      encodeLoadRequest(order),
    );
  }

  unload(version = '1.g1', name = 'm'): Promise<Answer> {
    return this.request(
      'POST',
      `/v2/repository/models/${encodeURIComponent(name)}/unload`,
      JSON.stringify({ parameters: { version } }),
    );
  }

  /** Sends one binary inference; resolves to the raw answer. */
  inferRaw(
    inputs: readonly StackedTensor[],
    { model = 'm', version = '1.g1', outputs, parameters }: Inference = {},
  ): Promise<Answer> {
    const { header, parts } = encodeExecution({ inputs, outputs, rows: 1 }, parameters);
    const headers = { 'inference-header-content-length': header.length };
    return this.request(
      'POST',
      `/v2/models/${model}/versions/${version}/infer`,
      Buffer.concat([header, ...parts]),
      headers,
    );
  }

  /** Sends one binary inference and closes the connection when the signal says; resolves when it is closed. */
  abandon(
    inputs: readonly StackedTensor[],
    signal: AbortSignal,
    parameters?: Readonly<Record<string, number>>,
  ): Promise<void> {
    const execution = { inputs, outputs: undefined, rows: 1 };
    const { header, parts, byteLength } = encodeExecution(execution, parameters);
    const { promise, resolve } = Promise.withResolvers<void>();
    const headers = { 'content-length': byteLength, 'inference-header-content-length': header.length };
    const url = '/v2/models/m/versions/1.g1/infer';
    const request = http.request({
      socketPath: this.socket,
      agent: false,
      method: 'POST',
      path: url,
      headers,
      signal,
    });
    request.on('error', () => undefined);
    request.on('close', resolve);
    request.end(Buffer.concat([header, ...parts]));
    return promise;
  }

  async infer(inputs: readonly StackedTensor[], options: Inference = {}): Promise<readonly Tensor[]> {
    const { status, headers, body } = await this.inferRaw(inputs, options);
    if (status !== 200) throw new Error(`${status} ${body}`);
    const length = headers['inference-header-content-length'];
    return decodeReply(body, length === undefined ? body.length : Number(length));
  }

  async models(): Promise<
    readonly { name: string; version: string; instances: number; running: number; requests: number }[]
  > {
    const { body } = await this.json('GET', '/v2/worker');
    return (body as { models: [] }).models;
  }

  /** Resolves when this many runs are under way. */
  async whenRunning(count: number): Promise<void> {
    for (;;) {
      const running = (await this.models()).reduce((sum, model) => sum + model.running, 0);
      if (running >= count) return;
    }
  }
}

export async function startWorker(t: TestContext, args: readonly string[] = []): Promise<RunningWorker> {
  const worker = new RunningWorker(args);
  t.after(() => worker.close());
  await worker.ready();
  return worker;
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function orderFor(file: string, model: Uint8Array, over: Partial<LoadOrder> = {}): LoadOrder {
  return {
    version: '1.g1',
    file,
    sha256: sha256(model),
    externalData: [],
    kind: 'cpu',
    device: 0,
    instances: 1,
    intraOpThreads: 1,
    ...over,
  };
}

/** A binary input from a typed array. */
export function input(
  name: string,
  datatype: StackedTensor['datatype'],
  shape: readonly number[],
  values: ArrayBufferView,
): StackedTensor {
  return {
    name,
    datatype,
    shape,
    parts: [new Uint8Array(values.buffer, values.byteOffset, values.byteLength)],
  };
}
