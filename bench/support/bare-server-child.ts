/**
 * A server with nothing but `node:http`: what HTTP itself costs. `node bare-server-child.ts <what> <port>`, where it does
 * with each POST's body: `echo` sends it back, `json-echo` parses it and writes it again, `json-parse` parses it and
 * sends ten numbers.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

const [what = '', port = ''] = process.argv.slice(2);

const TEN_VALUES = '{"outputs":[{"name":"y","datatype":"FP32","shape":[1,10],"data":[0,1,2,3,4,5,6,7,8,9]}]}';

const ANSWERS: Readonly<Record<string, (body: Buffer) => Buffer | string>> = {
  echo: body => body,
  'json-echo': body => JSON.stringify(JSON.parse(body.toString())),
  'json-parse': body => {
    JSON.parse(body.toString());
    return TEN_VALUES;
  },
};

const answerTo = ANSWERS[what];
if (answerTo === undefined) throw new Error(`expected one of ${Object.keys(ANSWERS)}`);

function serve(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const [first] = chunks;
    const body = chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks);
    const answer = body.length === 0 ? '' : (answerTo as (body: Buffer) => Buffer | string)(body);
    response.writeHead(200, {
      'content-type': what === 'echo' ? 'application/octet-stream' : 'application/json',
      'content-length': Buffer.byteLength(answer),
    });
    response.end(answer);
  });
}

createServer(serve).listen(Number(port), '127.0.0.1');
