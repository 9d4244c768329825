/**
 * A worker process without an engine: the same command line, lifeline and HTTP API as the real one. A load order's
 * file is a JSON document (FakeModel) that says how the model behaves; the first value of a batch can be a command.
 */
import { existsSync, readFileSync, unlinkSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { parseArgs } from 'node:util';
import { parseLoadRequest } from '../../src/protocol/load-order.ts';
import { COMMAND, type FakeModel } from './fake-model.ts';

interface Loaded extends FakeModel {
  readonly instances: number;
  readonly kind: string;
}

const { values } = parseArgs({ options: { socket: { type: 'string' } } });
const socket = values.socket ?? '';
const models = new Map<string, Loaded>();
/** Runs that were told to wait, until `POST /release`, which waits for the first of them. */
const held: (() => void)[] = [];
const seen = {
  running: 0,
  mostRunning: 0,
  batches: [] as { model: string; rows: number; instance: number }[],
};

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}

function load(model: string, body: Buffer, response: ServerResponse): void {
  const order = parseLoadRequest(body.toString());
  const fake = JSON.parse(readFileSync(order.file, 'utf8')) as FakeModel;
  if (fake.onLoad === 'crash') process.kill(process.pid, 'SIGSEGV');
  if (fake.onLoad === 'hang') return;
  if (fake.onLoad === 'fail') {
    send(response, 500, { error: 'the file is no model' });
    return;
  }
  if (models.has(`${model}/${order.version}`)) {
    send(response, 400, { error: 'already loaded' });
    return;
  }
  models.set(`${model}/${order.version}`, { ...fake, instances: order.instances, kind: order.kind });
  send(response, 200, {});
}

function metadata({ dims }: Loaded, name: string): unknown {
  const tensor = (tensorName: string) => ({ name: tensorName, datatype: 'FP32', shape: dims });
  return { name, versions: [], platform: 'fake', inputs: [tensor('x')], outputs: [tensor('y')] };
}

interface InferHeader {
  readonly parameters: { readonly headgate_instance?: number };
  readonly inputs: readonly { readonly shape: readonly number[] }[];
}

async function infer(
  name: string,
  model: Loaded,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await bodyOf(request);
  const headerLength = Number(request.headers['inference-header-content-length']);
  const header = JSON.parse(body.subarray(0, headerLength).toString()) as InferHeader;
  const shape = header.inputs[0]?.shape ?? [];
  const values = new Float32Array(new Uint8Array(body.subarray(headerLength)).buffer);
  const instance = header.parameters.headgate_instance ?? -1;
  seen.batches.push({ model: name, rows: shape[0] ?? 0, instance });
  seen.running++;
  seen.mostRunning = Math.max(seen.mostRunning, seen.running);
  if (values[0] === COMMAND.crash) process.kill(process.pid, 'SIGSEGV');
  if (values[0] === COMMAND.hold) await new Promise<void>(resolve => held.push(resolve));
  const runMs = (model.runMs ?? 0) + slowness(model);
  await new Promise(resolve => setTimeout(resolve, runMs));
  seen.running--;
  if (values[0] === COMMAND.fail || failsNow(model)) {
    return send(response, 500, { error: 'index out of range' });
  }
  const status = failingStatus(model);
  if (status !== undefined) return send(response, status, { error: 'nothing works' });
  if (values[0] === COMMAND.unknown) return send(response, 404, { error: 'no such version' });
  if (values[0] === COMMAND.noLength) {
    response.flushHeaders();
    return void response.end('{}');
  }
  if (values[0] === COMMAND.tooLong)
    return response.writeHead(200, { 'content-length': 2 ** 40 }).flushHeaders();
  reply(shape, compute(model, values, shape[0] ?? 1), 1.5 + runMs, response);
}

function slowness({ slowWhile = '' }: Loaded): number {
  if (!existsSync(slowWhile)) return 0;
  const [pid, ms] = readFileSync(slowWhile, 'utf8').split(' ').map(Number);
  return pid === process.pid ? (ms ?? 0) : 0;
}

function failsNow({ failsOnceFor = '' }: Loaded): boolean {
  if (!existsSync(failsOnceFor)) return false;
  unlinkSync(failsOnceFor);
  return true;
}

function failingStatus({ failsWhile = '', failsOn, kind }: Loaded): number | undefined {
  if (!existsSync(failsWhile) || (failsOn !== undefined && failsOn !== kind)) return undefined;
  return Number(readFileSync(failsWhile, 'utf8'));
}

function compute({ behaviour }: Loaded, values: Float32Array, rows: number): Float32Array {
  if (behaviour === 'identity') return values;
  const perRow = values.length / rows;
  const sums = Float32Array.from({ length: perRow }, (_, i) => {
    let sum = 0;
    for (let row = 0; row < rows; row++) sum += Math.exp(values[row * perRow + i] ?? 0);
    return sum;
  });
  return values.map((value, i) => Math.exp(value) / (sums[i % perRow] ?? 1));
}

function reply(
  shape: readonly number[],
  values: Float32Array,
  inferMs: number,
  response: ServerResponse,
): void {
  const parameters = { binary_data_size: values.byteLength };
  const outputs = [{ name: 'y', datatype: 'FP32', shape, parameters }];
  const header = Buffer.from(JSON.stringify({ model_name: '', model_version: '', outputs }));
  response.writeHead(200, {
    'content-type': 'application/octet-stream',
    'inference-header-content-length': header.length,
    'content-length': header.length + values.byteLength,
    'server-timing': `infer;dur=${inferMs}`,
  });
  response.write(header);
  response.end(Buffer.from(values.buffer));
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, , first, second, third, verb, action] = (request.url ?? '').split('/').map(decodeURIComponent);
  if (first === 'worker') {
    return send(response, 200, {
      pid: process.pid,
      rssBytes: process.memoryUsage.rss(),
      models: [...models.keys()],
      seen,
    });
  }
  if (request.url === '/release') {
    while (held.length === 0) await new Promise(setImmediate);
    for (const release of held.splice(0)) release();
    return send(response, 200, {});
  }
  if (first === 'repository' && verb === 'load') return load(third ?? '', await bodyOf(request), response);
  if (first === 'repository' && verb === 'unload') {
    const { parameters } = JSON.parse((await bodyOf(request)).toString()) as {
      parameters: { version: string };
    };
    models.delete(`${third}/${parameters.version}`);
    return send(response, 200, {});
  }
  const model = models.get(`${second}/${verb}`);
  if (model === undefined) return send(response, 404, { error: 'no such version' });
  return action === 'infer'
    ? infer(second ?? '', model, request, response)
    : send(response, 200, metadata(model, second ?? ''));
}

process.stdin.resume().on('end', () => {
  unlinkSync(socket);
  process.kill(process.pid, 'SIGKILL');
});
const server = createServer((request, response) => void answer(request, response));
server.listen(socket, () => {
  console.error(`telemetry ${process.env['ORT_DISABLE_TELEMETRY']} ${process.env['ORT_TELEMETRY_DISABLED']}`);
  process.stdout.write(`${JSON.stringify({ ready: true, pid: process.pid })}\n`);
});
