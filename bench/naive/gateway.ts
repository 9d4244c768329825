/**
 * The naive gateway Headgate is measured against: Fastify, an array as queue, undici over a Unix socket, one worker
 * process, up to 64 rows a batch, one batch outstanding. It answers well-formed requests as the protocol says and
 * checks nothing. `node gateway.ts <model.onnx> <model name> <port> <socket>`; one FP32 input `x`, one output `y`.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import fastify from 'fastify';
import { Pool } from 'undici';

interface Row {
  readonly data: Uint8Array;
  readonly resolve: (output: Buffer) => void;
  readonly reject: (error: unknown) => void;
}
interface InferRequest {
  readonly inputs: readonly { readonly shape: readonly number[]; readonly data: readonly number[] }[];
  readonly parameters?: { readonly binary_data_output?: boolean };
}

const [model = '', name = '', port = '', socket = ''] = process.argv.slice(2);
const MAX_ROWS = 64;
const worker = fork(new URL('./worker.ts', import.meta.url), [model, socket]);
await once(worker, 'message');
const pool = new Pool('http://worker', { socketPath: socket, connections: 1 });
const queue: Row[] = [];
let running = false;

async function drain(): Promise<void> {
  if (running) return;
  running = true;
  while (queue.length > 0) {
    const batch = queue.splice(0, MAX_ROWS);
    try {
      const body = Buffer.concat(batch.map(row => row.data));
      const reply = await pool.request({ method: 'POST', path: `/${batch.length}`, body });
      const output = Buffer.from(await reply.body.arrayBuffer());
      const size = output.length / batch.length;
      for (const [i, row] of batch.entries()) row.resolve(output.subarray(i * size, (i + 1) * size));
    } catch (error) {
      for (const row of batch) row.reject(error);
    }
  }
  running = false;
}

const app = fastify({ bodyLimit: 64 * 1024 * 1024 });
app.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_request, body, done) =>
  done(null, body),
);
app.get('/v2/health/ready', () => ({ ready: true }));
app.post(`/v2/models/${name}/infer`, async (request, reply) => {
  const isBinary = Buffer.isBuffer(request.body);
  const jsonLength = Number(request.headers['inference-header-content-length']);
  const body = request.body as Buffer;
  const asked = (isBinary ? JSON.parse(body.toString('utf8', 0, jsonLength)) : request.body) as InferRequest;
  const data = isBinary
    ? body.subarray(jsonLength)
    : new Uint8Array(Float32Array.from(asked.inputs[0]?.data ?? []).buffer);
  const output = await new Promise<Buffer>((resolve, reject) => {
    queue.push({ data, resolve, reject });
    void drain();
  });
  const tensor = { name: 'y', datatype: 'FP32', shape: [1, output.length / 4] };
  const answer = { model_name: name, model_version: '1' };
  if (asked.parameters?.binary_data_output !== true) {
    const values = new Float32Array(new Uint8Array(output).buffer);
    return { ...answer, outputs: [{ ...tensor, data: Array.from(values) }] };
  }
  const head = Buffer.from(
    JSON.stringify({ ...answer, outputs: [{ ...tensor, parameters: { binary_data_size: output.length } }] }),
  );
  reply.headers({
    'content-type': 'application/octet-stream',
    'inference-header-content-length': head.length,
  });
  return Buffer.concat([head, output]);
});
await app.listen({ port: Number(port), host: '127.0.0.1' });
process.on('SIGTERM', () => {
  worker.kill('SIGKILL');
  process.exit(0);
});
