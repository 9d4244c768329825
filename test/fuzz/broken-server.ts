/** A server that is broken on purpose, for the controls of the fuzzer's detectors: what a body holds says how. */
import { createServer } from 'node:http';

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const body = Buffer.concat(chunks).toString('latin1');
    if (body.includes('PLANTED CRASH')) process.exit(7);
    if (body.includes('PLANTED HANG')) return;
    if (body.includes('PLANTED END')) return void request.socket.destroy();
    const status = body.includes('PLANTED 5XX') ? 500 : body.includes('PLANTED LEAK') ? 400 : 200;
    const text = JSON.stringify({ error: status === 400 ? 'no such file /home/a/model.onnx' : 'broken' });
    response.writeHead(status, { 'content-length': text.length });
    response.end(text);
  });
});
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify(server.address())));
process.stdin.on('end', () => process.exit(0)).resume();
