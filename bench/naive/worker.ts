/** The naive gateway's worker: node:http and ONNX Runtime on one thread. `POST /<rows>` with FP32 rows, FP32 rows back. */
import { createServer } from 'node:http';
import { InferenceSession, Tensor } from 'onnxruntime-node';

const [model = '', socket = ''] = process.argv.slice(2);
const session = await InferenceSession.create(model, { intraOpNumThreads: 1 });

createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', async () => {
    const rows = Number(request.url?.slice(1));
    const values = new Float32Array(new Uint8Array(Buffer.concat(chunks)).buffer);
    const { y } = await session.run({ x: new Tensor('float32', values, [rows, values.length / rows]) });
    const output = y?.data as Float32Array;
    response.end(new Uint8Array(output.buffer, output.byteOffset, output.byteLength));
  });
}).listen(socket, () => process.send?.('ready'));
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
